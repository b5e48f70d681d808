import { Module } from '@nestjs/common';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { FleetCounts } from './fleet-counts.js';
import { FleetStore } from './fleet-store.js';
import { ProviderHealth } from './provider-health.js';
import { UpcomingRefreshesReader } from './upcoming-refreshes.js';

/** All connections together: the list over all users, counts, and the health of providers. */
@Module({
  imports: [ClockModule, DatabaseModule, ProviderKitModule],
  providers: [FleetCounts, FleetStore, ProviderHealth, UpcomingRefreshesReader],
  exports: [FleetCounts, FleetStore, ProviderHealth, UpcomingRefreshesReader],
})
export class FleetModule {}
