import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ClockModule } from '../clock/clock.module.js';
import { databaseConfig, type DatabaseConfig } from './database.config.js';
import { dataSourceOptions } from './data-source-options.js';
import { Database } from './database.js';
import { ReadReplica } from './read-replica.js';

@Module({
  imports: [
    ClockModule,
    ConfigModule.forFeature(databaseConfig),
    TypeOrmModule.forRootAsync({
      imports: [ConfigModule.forFeature(databaseConfig)],
      inject: [databaseConfig.KEY],
      useFactory: (config: DatabaseConfig) => ({ ...dataSourceOptions(config), retryAttempts: 3, retryDelay: 1_000 }),
    }),
  ],
  providers: [Database, ReadReplica],
  exports: [Database, ReadReplica],
})
export class DatabaseModule {}
