import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { appleHealthDefinition } from './apple-health.definition.js';

export const appleHealthConfig = registerAs('providers.apple-health', () =>
  readProviderSettings(appleHealthDefinition, process.env),
);
