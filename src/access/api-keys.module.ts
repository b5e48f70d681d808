import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { ApiKeyUse } from './api-key-use.js';
import { ApiKeysService } from './api-keys.service.js';

@Module({ imports: [AuditModule, DatabaseModule], providers: [ApiKeysService, ApiKeyUse], exports: [ApiKeysService] })
export class ApiKeysModule {}
