import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { withingsDefinition } from './withings.definition.js';
import { WithingsProvider } from './withings.provider.js';

/** Withings: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class WithingsModule extends OAuth2ProviderModule(withingsDefinition, { provider: WithingsProvider }) {}
