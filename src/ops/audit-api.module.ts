import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuditController } from './audit.controller.js';

/** The audit trail over HTTP: for the API only, where what a request brings is checked and counted. */
@Module({ imports: [AuditModule], controllers: [AuditController] })
export class AuditApiModule {}
