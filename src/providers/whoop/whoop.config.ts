import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { whoopDefinition } from './whoop.definition.js';

export const whoopConfig = registerAs('providers.whoop', () => readProviderSettings(whoopDefinition, process.env));
