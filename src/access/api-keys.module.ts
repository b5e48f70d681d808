import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuditModule } from '../audit/audit.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { VaultKeysModule } from '../vault/vault-keys.module.js';
import { ApiKeyStore } from './api-key-store.js';
import { ApiKeyUse } from './api-key-use.js';
import { apiKeysConfig } from './api-keys.config.js';
import { ApiKeysService } from './api-keys.service.js';

@Module({
  imports: [AuditModule, ConfigModule.forFeature(apiKeysConfig), DatabaseModule, VaultKeysModule],
  providers: [ApiKeysService, ApiKeyStore, ApiKeyUse],
  exports: [ApiKeysService, ApiKeyStore, ConfigModule],
})
export class ApiKeysModule {}
