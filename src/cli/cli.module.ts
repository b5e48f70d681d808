import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AccessModule } from '../access/access.module.js';

/** What the command line needs of the service. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), AccessModule] })
export class CliModule {}
