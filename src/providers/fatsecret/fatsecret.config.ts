import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { fatsecretDefinition } from './fatsecret.definition.js';

export const fatsecretConfig = registerAs('providers.fatsecret', () =>
  readProviderSettings(fatsecretDefinition, process.env),
);
