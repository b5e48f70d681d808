import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { hexoskinDefinition } from './hexoskin.definition.js';

export const hexoskinConfig = registerAs('providers.hexoskin', () =>
  readProviderSettings(hexoskinDefinition, process.env),
);
