import { Module } from '@nestjs/common';
import { TokensModule } from '../tokens/tokens.module.js';
import { ExportRun } from './export-run.js';
import { ImportRun } from './import-run.js';

/** Imports and exports of connections. */
@Module({
  imports: [TokensModule],
  providers: [ExportRun, ImportRun],
  exports: [ExportRun, ImportRun, TokensModule],
})
export class MovingModule {}
