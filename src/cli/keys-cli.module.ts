import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuditModule } from '../audit/audit.module.js';
import { VaultKeysModule } from '../vault/vault-keys.module.js';

/** The parts of the service for commands about keys. The process is no replica: no timer runs. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), AuditModule, VaultKeysModule] })
export class KeysCliModule {}
