import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuditModule } from '../audit/audit.module.js';
import { VaultKeysModule } from '../vault/vault-keys.module.js';

/** What the commands for keys need of the service. They are no replica: no timer runs. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), AuditModule, VaultKeysModule] })
export class KeysCliModule {}
