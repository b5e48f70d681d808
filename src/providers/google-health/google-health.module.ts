import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { googleHealthDefinition } from './google-health.definition.js';

/** Google Health: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class GoogleHealthModule extends OAuth2ProviderModule(googleHealthDefinition) {}
