import { Module, ValidationPipe } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { LoggerModule } from 'nestjs-pino';
import { AccessGuard } from './access/access.guard.js';
import { AccessModule } from './access/access.module.js';
import { appConfig, type AppConfig } from './config/app.config.js';
import { ConnectionsModule } from './connections/connections.module.js';
import { AppErrorFilter } from './errors/app-error.filter.js';
import { toRequestInvalidError } from './http/validation-error.js';
import { LinksModule } from './links/links.module.js';
import { loggingOptions } from './ops/logging.js';
import { OpsModule } from './ops/ops.module.js';
import { ProvidersModule } from './providers/providers.module.js';
import { UsersModule } from './users/users.module.js';

/** The composition root: the only place that sees both the core and the providers. */
@Module({
  imports: [
    ConfigModule.forRoot({ ignoreEnvFile: true, load: [appConfig] }),
    LoggerModule.forRootAsync({
      imports: [ConfigModule.forFeature(appConfig)],
      inject: [appConfig.KEY],
      useFactory: (config: AppConfig) => loggingOptions(config),
    }),
    AccessModule,
    ConnectionsModule,
    LinksModule,
    OpsModule,
    ProvidersModule,
    UsersModule,
  ],
  providers: [
    { provide: APP_FILTER, useClass: AppErrorFilter },
    { provide: APP_GUARD, useClass: AccessGuard },
    {
      provide: APP_PIPE,
      useFactory: () =>
        new ValidationPipe({
          whitelist: true,
          forbidNonWhitelisted: true,
          transform: true,
          exceptionFactory: toRequestInvalidError,
        }),
    },
  ],
})
export class AppModule {}
