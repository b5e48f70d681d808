import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { garminDefinition } from './garmin.definition.js';

export const garminConfig = registerAs('providers.garmin', () => readProviderSettings(garminDefinition, process.env));
