import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { AuditController } from './audit.controller.js';

/** The audit trail over HTTP: for the API only, where requests are checked and counted. */
@Module({ imports: [AuditModule, DatabaseModule], controllers: [AuditController] })
export class AuditApiModule {}
