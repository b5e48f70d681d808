import { Module } from '@nestjs/common';
import { ClockModule } from '../clock/clock.module.js';
import { ProviderHttpClient } from './http-client.js';
import { ProviderRegistry } from './provider-registry.js';
import { TokenEndpointClient } from './token-endpoint-client.js';

@Module({
  imports: [ClockModule],
  providers: [ProviderHttpClient, ProviderRegistry, TokenEndpointClient],
  exports: [ProviderRegistry, TokenEndpointClient],
})
export class ProviderKitModule {}
