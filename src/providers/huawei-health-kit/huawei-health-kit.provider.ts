import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { huaweiHealthKitConfig } from './huawei-health-kit.config.js';
import { huaweiHealthKitDefinition } from './huawei-health-kit.definition.js';
import { HuaweiHealthKitStrategy } from './huawei-health-kit.strategy.js';

@Injectable()
export class HuaweiHealthKitProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(huaweiHealthKitConfig.KEY) settings: ProviderSettings,
    strategy: HuaweiHealthKitStrategy,
    client: TokenEndpointClient,
  ) {
    super(huaweiHealthKitDefinition, settings, strategy, client);
  }
}
