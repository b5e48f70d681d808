import { Module } from '@nestjs/common';
import { OAuth1ProviderModule } from '../../provider-kit/provider-module.js';
import { fitbitOauth1Definition } from './fitbit-oauth1.definition.js';

/** Fitbit (OAuth 1.0a): one Nest module around one Passport OAuth 1.0a strategy. */
@Module({})
export class FitbitOauth1Module extends OAuth1ProviderModule(fitbitOauth1Definition) {}
