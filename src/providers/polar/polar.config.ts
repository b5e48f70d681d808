import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { polarDefinition } from './polar.definition.js';

export const polarConfig = registerAs('providers.polar', () => readProviderSettings(polarDefinition, process.env));
