import { Module } from '@nestjs/common';
import { DatabaseModule } from '../database/database.module.js';
import { ApiKeysService } from './api-keys.service.js';

@Module({ imports: [DatabaseModule], providers: [ApiKeysService], exports: [ApiKeysService] })
export class AccessModule {}
