import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { garminDefinition } from './garmin.definition.js';

/** Garmin Connect: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class GarminModule extends OAuth2ProviderModule(garminDefinition) {}
