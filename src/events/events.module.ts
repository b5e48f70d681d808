import { Module } from '@nestjs/common';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { VaultModule } from '../vault/vault.module.js';
import { EventPublisher } from './event-publisher.js';
import { EventPurge } from './event-purge.js';
import { EventRecorder } from './event-recorder.js';
import { EventStore } from './event-store.js';
import { EventUsers } from './event-users.js';

@Module({
  imports: [ClockModule, DatabaseModule, VaultModule],
  providers: [EventPublisher, EventPurge, EventRecorder, EventStore, EventUsers],
  exports: [EventPublisher, EventRecorder, EventStore, EventUsers],
})
export class EventsModule {}
