import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ClockModule } from '../clock/clock.module.js';
import { DataApiClient } from './data-api-client.js';
import { HostResolver } from './host-resolver.js';
import { ProviderHttpClient } from './http-client.js';
import { OutboundPolicy } from './outbound-policy.js';
import { outboundConfig } from './outbound.config.js';
import { lifecycleConfig } from './lifecycle.config.js';
import { ProviderClocks } from './provider-clocks.js';
import { ProviderLifecycle } from './provider-lifecycle.js';
import { ProviderRegistry } from './provider-registry.js';
import { TokenEndpointClient } from './token-endpoint-client.js';

@Module({
  imports: [ClockModule, ConfigModule.forFeature(outboundConfig), ConfigModule.forFeature(lifecycleConfig)],
  providers: [
    DataApiClient,
    HostResolver,
    OutboundPolicy,
    ProviderClocks,
    ProviderHttpClient,
    ProviderLifecycle,
    ProviderRegistry,
    TokenEndpointClient,
  ],
  exports: [
    DataApiClient,
    OutboundPolicy,
    ProviderClocks,
    ProviderHttpClient,
    ProviderLifecycle,
    ProviderRegistry,
    TokenEndpointClient,
  ],
})
export class ProviderKitModule {}
