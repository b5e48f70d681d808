import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { fitbitDefinition } from './fitbit.definition.js';

/** Fitbit: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class FitbitModule extends OAuth2ProviderModule(fitbitDefinition) {}
