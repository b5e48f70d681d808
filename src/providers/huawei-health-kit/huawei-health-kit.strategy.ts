import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { huaweiHealthKitConfig } from './huawei-health-kit.config.js';
import { huaweiHealthKitDefinition } from './huawei-health-kit.definition.js';

@Injectable()
export class HuaweiHealthKitStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(huaweiHealthKitConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(huaweiHealthKitDefinition, settings, client);
  }
}
