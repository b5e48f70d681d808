import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { withingsDefinition } from './withings.definition.js';

export const withingsConfig = registerAs('providers.withings', () =>
  readProviderSettings(withingsDefinition, process.env),
);
