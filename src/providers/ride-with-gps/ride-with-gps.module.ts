import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { rideWithGpsDefinition } from './ride-with-gps.definition.js';

/** Ride with GPS: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class RideWithGpsModule extends OAuth2ProviderModule(rideWithGpsDefinition) {}
