import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { garminOauth1Definition } from './garmin-oauth1.definition.js';

export const garminOauth1Config = registerAs('providers.garmin-oauth1', () =>
  readProviderSettings(garminOauth1Definition, process.env),
);
