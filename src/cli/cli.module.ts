import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ApiKeysModule } from '../access/api-keys.module.js';
import { AuditModule } from '../audit/audit.module.js';

/** The parts of the service for commands about API keys and the audit trail. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), ApiKeysModule, AuditModule] })
export class CliModule {}
