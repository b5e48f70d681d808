import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { polarV4Definition } from './polar-v4.definition.js';

export const polarV4Config = registerAs('providers.polar-v4', () =>
  readProviderSettings(polarV4Definition, process.env),
);
