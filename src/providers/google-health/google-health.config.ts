import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { googleHealthDefinition } from './google-health.definition.js';

export const googleHealthConfig = registerAs('providers.google-health', () =>
  readProviderSettings(googleHealthDefinition, process.env),
);
