import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { ouraDefinition } from './oura.definition.js';

export const ouraConfig = registerAs('providers.oura', () => readProviderSettings(ouraDefinition, process.env));
