import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuditModule } from '../audit/audit.module.js';
import { ClockModule } from '../clock/clock.module.js';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { AccessDenials } from './access-denials.js';
import { ApiKeysModule } from './api-keys.module.js';
import { UserTokens } from './user-tokens.js';
import { userTokensConfig } from './user-tokens.config.js';

@Module({
  imports: [ApiKeysModule, AuditModule, ClockModule, ConfigModule.forFeature(userTokensConfig), ProviderKitModule],
  providers: [AccessDenials, UserTokens],
  exports: [AccessDenials, ApiKeysModule, UserTokens],
})
export class AccessModule {}
