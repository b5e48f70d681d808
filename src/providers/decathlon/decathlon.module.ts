import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { decathlonDefinition } from './decathlon.definition.js';

/** Decathlon: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class DecathlonModule extends OAuth2ProviderModule(decathlonDefinition) {}
