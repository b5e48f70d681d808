import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { stravaDefinition } from './strava.definition.js';

/** Strava: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class StravaModule extends OAuth2ProviderModule(stravaDefinition) {}
