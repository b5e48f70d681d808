import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { omronDefinition } from './omron.definition.js';

export const omronConfig = registerAs('providers.omron', () => readProviderSettings(omronDefinition, process.env));
