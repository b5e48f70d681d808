import { Module } from '@nestjs/common';
import { OAuth1ProviderModule } from '../../provider-kit/provider-module.js';
import { garminOauth1Definition } from './garmin-oauth1.definition.js';
import { GarminOauth1Provider } from './garmin-oauth1.provider.js';

/** Garmin Connect (OAuth 1.0a): one Nest module around one Passport OAuth 1.0a strategy. */
@Module({})
export class GarminOauth1Module extends OAuth1ProviderModule(garminOauth1Definition, {
  provider: GarminOauth1Provider,
}) {}
