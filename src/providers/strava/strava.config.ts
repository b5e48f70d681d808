import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { stravaDefinition } from './strava.definition.js';

export const stravaConfig = registerAs('providers.strava', () => readProviderSettings(stravaDefinition, process.env));
