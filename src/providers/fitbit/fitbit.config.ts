import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { fitbitDefinition } from './fitbit.definition.js';

export const fitbitConfig = registerAs('providers.fitbit', () => readProviderSettings(fitbitDefinition, process.env));
