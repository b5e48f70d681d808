import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { ihealthDefinition } from './ihealth.definition.js';

export const ihealthConfig = registerAs('providers.ihealth', () =>
  readProviderSettings(ihealthDefinition, process.env),
);
