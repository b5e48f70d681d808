import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProvidersModule } from '../providers/providers.module.js';
import { UsersModule } from '../users/users.module.js';

/** The parts for commands about users, with the providers. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), ProvidersModule, UsersModule] })
export class UsersCliModule {}
