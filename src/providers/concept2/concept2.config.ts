import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { concept2Definition } from './concept2.definition.js';

export const concept2Config = registerAs('providers.concept2', () =>
  readProviderSettings(concept2Definition, process.env),
);
