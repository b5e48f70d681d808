import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { wahooDefinition } from './wahoo.definition.js';

/** Wahoo: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class WahooModule extends OAuth2ProviderModule(wahooDefinition) {}
