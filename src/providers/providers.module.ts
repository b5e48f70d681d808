import { Module } from '@nestjs/common';
import { FitbitModule } from './fitbit/fitbit.module.js';
import { FitbitOauth1Module } from './fitbit-oauth1/fitbit-oauth1.module.js';
import { GarminModule } from './garmin/garmin.module.js';
import { GarminOauth1Module } from './garmin-oauth1/garmin-oauth1.module.js';
import { OuraModule } from './oura/oura.module.js';
import { WhoopModule } from './whoop/whoop.module.js';

/** The list of providers: one line each. */
@Module({
  imports: [FitbitModule, FitbitOauth1Module, GarminModule, GarminOauth1Module, OuraModule, WhoopModule],
})
export class ProvidersModule {}
