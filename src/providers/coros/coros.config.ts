import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { corosDefinition } from './coros.definition.js';

export const corosConfig = registerAs('providers.coros', () => readProviderSettings(corosDefinition, process.env));
