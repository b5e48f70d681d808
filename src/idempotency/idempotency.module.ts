import { Module } from '@nestjs/common';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { VaultModule } from '../vault/vault.module.js';
import { IdempotencyPurge } from './idempotency-purge.js';
import { IdempotencyStore } from './idempotency-store.js';
import { IdempotencyInterceptor } from './idempotency.interceptor.js';

/** Calls that may be repeated with an `Idempotency-Key`. */
@Module({
  imports: [ClockModule, DatabaseModule, VaultModule],
  providers: [IdempotencyInterceptor, IdempotencyPurge, IdempotencyStore],
  exports: [IdempotencyInterceptor, IdempotencyStore, VaultModule],
})
export class IdempotencyModule {}
