import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuditModule } from '../audit/audit.module.js';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { VaultKeysModule } from '../vault/vault-keys.module.js';
import { AccessDenials } from './access-denials.js';
import { AddressLimit } from './address-limit.hook.js';
import { ApiKeysModule } from './api-keys.module.js';
import { callerAddressConfig } from './caller-address.config.js';
import { CallerAddresses } from './caller-address.js';
import { ExistingKeyIds } from './existing-key-ids.js';
import { RateLimitsModule } from './rate-limits.module.js';
import { UnboundKeysNotice } from './unbound-keys-notice.js';
import { UserTokens } from './user-tokens.js';
import { userTokensConfig } from './user-tokens.config.js';

@Module({
  imports: [
    ApiKeysModule,
    AuditModule,
    ClockModule,
    ConfigModule.forFeature(callerAddressConfig),
    ConfigModule.forFeature(userTokensConfig),
    ProviderKitModule,
    DatabaseModule,
    RateLimitsModule,
    VaultKeysModule,
  ],
  providers: [AccessDenials, AddressLimit, CallerAddresses, ExistingKeyIds, UnboundKeysNotice, UserTokens],
  exports: [AccessDenials, ApiKeysModule, CallerAddresses, RateLimitsModule, UserTokens],
})
export class AccessModule {}
