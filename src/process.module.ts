import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { LoggerModule } from 'nestjs-pino';
import { appConfig, type AppConfig } from './config/app.config.js';
import { loggingOptions } from './ops/logging.js';
import { RequestLog } from './ops/request-log.js';
import { WebModule } from './web/web.module.js';

/** The parts of every process, API or worker: settings, a log, and pages for errors. */
@Module({
  imports: [
    ConfigModule.forRoot({ ignoreEnvFile: true, load: [appConfig] }),
    WebModule,
    LoggerModule.forRootAsync({
      imports: [ConfigModule.forFeature(appConfig)],
      inject: [appConfig.KEY],
      useFactory: (config: AppConfig) => loggingOptions(config),
    }),
  ],
  providers: [RequestLog],
})
export class ProcessModule {}
