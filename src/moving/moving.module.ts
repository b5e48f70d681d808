import { Module } from '@nestjs/common';
import { TokensModule } from '../tokens/tokens.module.js';
import { ImportRun } from './import-run.js';

/** Imports and exports of connections. */
@Module({
  imports: [TokensModule],
  providers: [ImportRun],
  exports: [ImportRun, TokensModule],
})
export class MovingModule {}
