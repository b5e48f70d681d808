import { Module } from '@nestjs/common';
import { RateLimitsModule } from '../access/rate-limits.module.js';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { FleetModule } from '../fleet/fleet.module.js';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { ConnectionsController } from './connections.controller.js';
import { FleetController } from './fleet.controller.js';
import { ProvidersController } from './providers.controller.js';

@Module({
  imports: [ClockModule, DatabaseModule, FleetModule, ProviderKitModule, RateLimitsModule, TokensModule],
  controllers: [ConnectionsController, FleetController, ProvidersController],
})
export class ConnectionsModule {}
