import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { wahooDefinition } from './wahoo.definition.js';

export const wahooConfig = registerAs('providers.wahoo', () => readProviderSettings(wahooDefinition, process.env));
