import { Module } from '@nestjs/common';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { VaultKeysModule } from '../vault/vault-keys.module.js';
import { AuditPruner } from './audit-pruner.js';
import { AuditReader } from './audit-reader.js';
import { AuditStore } from './audit-store.js';
import { AuditTrail } from './audit-trail.js';
import { AuditVerifier } from './audit-verifier.js';
import { RefusalRecorder } from './refusal-recorder.js';
import { RowVerifier } from './row-verifier.js';

@Module({
  imports: [ClockModule, DatabaseModule, VaultKeysModule],
  providers: [AuditPruner, AuditReader, AuditStore, AuditTrail, AuditVerifier, RefusalRecorder, RowVerifier],
  exports: [AuditPruner, AuditReader, AuditTrail, AuditVerifier, RefusalRecorder, RowVerifier],
})
export class AuditModule {}
