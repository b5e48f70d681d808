import { registerAs } from '@nestjs/config';
import { readProviderSettings } from '../../provider-kit/provider-settings.js';
import { huaweiHealthKitDefinition } from './huawei-health-kit.definition.js';

export const huaweiHealthKitConfig = registerAs('providers.huawei-health-kit', () =>
  readProviderSettings(huaweiHealthKitDefinition, process.env),
);
