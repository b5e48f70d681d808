import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { AccessGuard } from './access/access.guard.js';
import { AccessModule } from './access/access.module.js';
import { RateLimitGuard } from './access/rate-limit.guard.js';
import { RateLimitsModule } from './access/rate-limits.module.js';
import { ConnectPageModule } from './connect-page/connect-page.module.js';
import { ConnectionsModule } from './connections/connections.module.js';
import { ConsoleModule } from './console/console.module.js';
import { AppErrorFilter } from './errors/app-error.filter.js';
import { EventsApiModule } from './events/events-api.module.js';
import { RequestRulesGuard } from './http/request-rules.guard.js';
import { RequestValidationPipe } from './http/request-validation.pipe.js';
import { HooksApiModule } from './hooks/hooks-api.module.js';
import { LinksModule } from './links/links.module.js';
import { MovingApiModule } from './moving/moving-api.module.js';
import { AuditApiModule } from './ops/audit-api.module.js';
import { OpsModule } from './ops/ops.module.js';
import { ProcessModule } from './process.module.js';
import { ProvidersModule } from './providers/providers.module.js';
import { ProxyModule } from './proxy/proxy.module.js';
import { UsersModule } from './users/users.module.js';
import { WebhooksApiModule } from './webhooks/webhooks-api.module.js';

/** The composition root: the only place that sees both the core and the providers. */
@Module({
  imports: [
    ProcessModule,
    AccessModule,
    AuditApiModule,
    ConnectPageModule,
    ConnectionsModule,
    ConsoleModule,
    EventsApiModule,
    HooksApiModule,
    LinksModule,
    MovingApiModule,
    OpsModule,
    ProvidersModule,
    ProxyModule,
    RateLimitsModule,
    UsersModule,
    WebhooksApiModule,
  ],
  providers: [
    { provide: APP_FILTER, useClass: AppErrorFilter },
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_GUARD, useClass: RateLimitGuard },
    { provide: APP_GUARD, useClass: RequestRulesGuard },
    { provide: APP_PIPE, useClass: RequestValidationPipe },
  ],
})
export class AppModule {}
