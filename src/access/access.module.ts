import { Module } from '@nestjs/common';
import { ApiKeysModule } from './api-keys.module.js';

@Module({ imports: [ApiKeysModule], exports: [ApiKeysModule] })
export class AccessModule {}
