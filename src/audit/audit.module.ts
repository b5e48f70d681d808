import { Module } from '@nestjs/common';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { VaultModule } from '../vault/vault.module.js';
import { AuditStore } from './audit-store.js';
import { AuditTrail } from './audit-trail.js';

@Module({
  imports: [ClockModule, DatabaseModule, VaultModule],
  providers: [AuditStore, AuditTrail],
  exports: [AuditTrail],
})
export class AuditModule {}
