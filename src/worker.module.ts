import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access/access.guard.js';
import { AccessModule } from './access/access.module.js';
import { RateLimitsModule } from './access/rate-limits.module.js';
import { AppErrorFilter } from './errors/app-error.filter.js';
import { FleetModule } from './fleet/fleet.module.js';
import { HooksModule } from './hooks/hooks.module.js';
import { RequestRulesGuard } from './http/request-rules.guard.js';
import { OpsModule } from './ops/ops.module.js';
import { ProcessModule } from './process.module.js';
import { ProvidersModule } from './providers/providers.module.js';
import { TokensModule } from './tokens/tokens.module.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

/** The process that works in the background: all providers, no API beside health and metrics. */
@Module({
  imports: [
    ProcessModule,
    AccessModule,
    FleetModule,
    HooksModule,
    OpsModule,
    ProvidersModule,
    RateLimitsModule,
    TokensModule,
    WebhooksModule,
  ],
  providers: [
    { provide: APP_FILTER, useClass: AppErrorFilter },
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_GUARD, useClass: RequestRulesGuard },
  ],
})
export class WorkerModule {}
