import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { appleHealthDefinition } from './apple-health.definition.js';

/** Apple Health: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class AppleHealthModule extends OAuth2ProviderModule(appleHealthDefinition) {}
