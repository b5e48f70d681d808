import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { Database } from '../database/database.js';
import { DatabaseModule } from '../database/database.module.js';
import { DatabaseRateStorage } from './database-rate-storage.js';
import { MemoryRateStorage } from './memory-rate-storage.js';
import { rateLimitsConfig, type RateLimitsConfig } from './rate-limits.config.js';
import { RateLimits } from './rate-limits.js';
import { RateStorage } from './rate-storage.js';

const configModule = ConfigModule.forFeature(rateLimitsConfig);

@Module({
  imports: [configModule, DatabaseModule],
  providers: [
    RateLimits,
    {
      provide: RateStorage,
      inject: [rateLimitsConfig.KEY, Database],
      useFactory: ({ storage }: RateLimitsConfig, database: Database) =>
        storage === 'postgres' ? new DatabaseRateStorage(database) : new MemoryRateStorage(),
    },
  ],
  exports: [RateLimits],
})
export class RateLimitsModule {}
