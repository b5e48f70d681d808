import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { rideWithGpsDefinition } from './ride-with-gps.definition.js';

export const rideWithGpsConfig = registerAs('providers.ride-with-gps', () =>
  readProviderSettings(rideWithGpsDefinition, process.env),
);
