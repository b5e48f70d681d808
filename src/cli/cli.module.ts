import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ApiKeysModule } from '../access/api-keys.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { ProvidersModule } from '../providers/providers.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UsersModule } from '../users/users.module.js';

/** What commands about keys need of the service. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), ApiKeysModule, AuditModule] })
export class CliModule {}

/** What commands about connections need, the providers included. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), ProvidersModule, TokensModule] })
export class ConnectionsCliModule {}

/** What commands about users need, the providers included. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), ProvidersModule, UsersModule] })
export class UsersCliModule {}
