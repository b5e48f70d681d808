import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { ultrahumanDefinition } from './ultrahuman.definition.js';

export const ultrahumanConfig = registerAs('providers.ultrahuman', () =>
  readProviderSettings(ultrahumanDefinition, process.env),
);
