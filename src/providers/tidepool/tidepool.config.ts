import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { tidepoolDefinition } from './tidepool.definition.js';

export const tidepoolConfig = registerAs('providers.tidepool', () =>
  readProviderSettings(tidepoolDefinition, process.env),
);
