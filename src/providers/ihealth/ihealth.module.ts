import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { ihealthDefinition } from './ihealth.definition.js';

/** iHealth: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class IhealthModule extends OAuth2ProviderModule(ihealthDefinition) {}
