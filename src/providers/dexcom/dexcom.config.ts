import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { dexcomDefinition, dexcomEuDefinition, dexcomJpDefinition } from './dexcom.definition.js';

export const dexcomConfig = registerAs('providers.dexcom', () => readProviderSettings(dexcomDefinition, process.env));

export const dexcomEuConfig = registerAs('providers.dexcom-eu', () =>
  readProviderSettings(dexcomEuDefinition, process.env),
);

export const dexcomJpConfig = registerAs('providers.dexcom-jp', () =>
  readProviderSettings(dexcomJpDefinition, process.env),
);
