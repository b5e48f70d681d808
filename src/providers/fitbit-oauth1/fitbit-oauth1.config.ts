import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { fitbitOauth1Definition } from './fitbit-oauth1.definition.js';

export const fitbitOauth1Config = registerAs('providers.fitbit-oauth1', () =>
  readProviderSettings(fitbitOauth1Definition, process.env),
);
