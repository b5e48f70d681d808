import { Module } from '@nestjs/common';
import { EventsController } from './events.controller.js';
import { EventsModule } from './events.module.js';

/** The stream over HTTP: for the API only. */
@Module({ imports: [EventsModule], controllers: [EventsController] })
export class EventsApiModule {}
