import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { suuntoDefinition } from './suunto.definition.js';

export const suuntoConfig = registerAs('providers.suunto', () => readProviderSettings(suuntoDefinition, process.env));
