import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { ClockModule } from '../clock/clock.module.js';
import { AccessDenials } from './access-denials.js';
import { ApiKeysModule } from './api-keys.module.js';

@Module({
  imports: [ApiKeysModule, AuditModule, ClockModule],
  providers: [AccessDenials],
  exports: [ApiKeysModule, AccessDenials],
})
export class AccessModule {}
