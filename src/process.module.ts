import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { LoggerModule } from 'nestjs-pino';
import { appConfig, type AppConfig } from './config/app.config.js';
import { loggingOptions } from './ops/logging.js';
import { RequestLog } from './ops/request-log.js';

/** What every process of ours has, whatever it serves: settings and a log. */
@Module({
  imports: [
    ConfigModule.forRoot({ ignoreEnvFile: true, load: [appConfig] }),
    LoggerModule.forRootAsync({
      imports: [ConfigModule.forFeature(appConfig)],
      inject: [appConfig.KEY],
      useFactory: (config: AppConfig) => loggingOptions(config),
    }),
  ],
  providers: [RequestLog],
})
export class ProcessModule {}
