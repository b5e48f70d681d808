import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ClockModule } from '../clock/clock.module.js';
import { DataApiClient } from './data-api/data-api-client.js';
import { HostResolver } from './http/host-resolver.js';
import { ProviderHttpClient } from './http/http-client.js';
import { NotificationKeys } from './notifications/notification-keys.js';
import { SubscriptionClient } from './notifications/subscription-client.js';
import { OutboundPolicy } from './http/outbound-policy.js';
import { outboundConfig } from './http/outbound.config.js';
import { lifecycleConfig } from './definition/lifecycle.config.js';
import { ProviderClocks } from './oauth1/provider-clocks.js';
import { ProviderLifecycle } from './definition/provider-lifecycle.js';
import { ProviderRegistry } from './provider-registry.js';
import { OAuth1Client } from './client/oauth1-client.js';
import { OAuth2Client } from './client/oauth2-client.js';
import { PublicJsonClient } from './client/public-json-client.js';
import { ResponseRemarks } from './responses/response-remarks.js';

@Module({
  imports: [ClockModule, ConfigModule.forFeature(outboundConfig), ConfigModule.forFeature(lifecycleConfig)],
  providers: [
    DataApiClient,
    HostResolver,
    NotificationKeys,
    OAuth1Client,
    OAuth2Client,
    OutboundPolicy,
    ProviderClocks,
    ProviderHttpClient,
    ProviderLifecycle,
    ProviderRegistry,
    PublicJsonClient,
    ResponseRemarks,
    SubscriptionClient,
  ],
  exports: [
    DataApiClient,
    NotificationKeys,
    OAuth1Client,
    OAuth2Client,
    OutboundPolicy,
    ProviderClocks,
    ProviderHttpClient,
    ProviderLifecycle,
    ProviderRegistry,
    SubscriptionClient,
  ],
})
export class ProviderKitModule {}
