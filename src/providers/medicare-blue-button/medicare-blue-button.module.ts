import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { medicareBlueButtonDefinition } from './medicare-blue-button.definition.js';

/** Medicare Blue Button: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class MedicareBlueButtonModule extends OAuth2ProviderModule(medicareBlueButtonDefinition) {}
