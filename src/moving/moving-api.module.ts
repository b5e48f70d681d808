import { Module } from '@nestjs/common';
import { IdempotencyModule } from '../idempotency/idempotency.module.js';
import { ImportsController } from './imports.controller.js';
import { MovingModule } from './moving.module.js';

/** Imports over HTTP. */
@Module({ imports: [IdempotencyModule, MovingModule], controllers: [ImportsController] })
export class MovingApiModule {}
