import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { FleetModule } from '../fleet/fleet.module.js';
import { MovingModule } from '../moving/moving.module.js';
import { ProvidersModule } from '../providers/providers.module.js';

/** The parts for commands about connections, with the providers. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), FleetModule, ProvidersModule, MovingModule] })
export class ConnectionsCliModule {}
