import { Module } from '@nestjs/common';
import { AppleHealthModule } from './apple-health/apple-health.module.js';
import { Concept2Module } from './concept2/concept2.module.js';
import { CorosModule } from './coros/coros.module.js';
import { DecathlonModule } from './decathlon/decathlon.module.js';
import { DexcomModule } from './dexcom/dexcom.module.js';
import { FatsecretModule } from './fatsecret/fatsecret.module.js';
import { FitbitModule } from './fitbit/fitbit.module.js';
import { FitbitOauth1Module } from './fitbit-oauth1/fitbit-oauth1.module.js';
import { GarminModule } from './garmin/garmin.module.js';
import { GarminOauth1Module } from './garmin-oauth1/garmin-oauth1.module.js';
import { GoogleHealthModule } from './google-health/google-health.module.js';
import { HammerheadModule } from './hammerhead/hammerhead.module.js';
import { HexoskinModule } from './hexoskin/hexoskin.module.js';
import { HuaweiHealthKitModule } from './huawei-health-kit/huawei-health-kit.module.js';
import { IhealthModule } from './ihealth/ihealth.module.js';
import { IntervalsIcuModule } from './intervals-icu/intervals-icu.module.js';
import { MedicareBlueButtonModule } from './medicare-blue-button/medicare-blue-button.module.js';
import { MyfitnesspalModule } from './myfitnesspal/myfitnesspal.module.js';
import { NolioModule } from './nolio/nolio.module.js';
import { OmronModule } from './omron/omron.module.js';
import { OuraModule } from './oura/oura.module.js';
import { PolarModule } from './polar/polar.module.js';
import { PolarV4Module } from './polar-v4/polar-v4.module.js';
import { RideWithGpsModule } from './ride-with-gps/ride-with-gps.module.js';
import { SensorBioModule } from './sensor-bio/sensor-bio.module.js';
import { SmartOnFhirModule } from './smart-on-fhir/smart-on-fhir.module.js';
import { StravaModule } from './strava/strava.module.js';
import { SuuntoModule } from './suunto/suunto.module.js';
import { TanitaHealthPlanetModule } from './tanita-health-planet/tanita-health-planet.module.js';
import { TidepoolModule } from './tidepool/tidepool.module.js';
import { TrainingpeaksModule } from './trainingpeaks/trainingpeaks.module.js';
import { UltrahumanModule } from './ultrahuman/ultrahuman.module.js';
import { WahooModule } from './wahoo/wahoo.module.js';
import { WhoopModule } from './whoop/whoop.module.js';
import { WithingsModule } from './withings/withings.module.js';
import { ZeppModule } from './zepp/zepp.module.js';

/** The list of providers: one line each. */
@Module({
  imports: [
    AppleHealthModule,
    Concept2Module,
    CorosModule,
    DecathlonModule,
    DexcomModule,
    FatsecretModule,
    FitbitModule,
    FitbitOauth1Module,
    GarminModule,
    GarminOauth1Module,
    GoogleHealthModule,
    HammerheadModule,
    HexoskinModule,
    HuaweiHealthKitModule,
    IhealthModule,
    IntervalsIcuModule,
    MedicareBlueButtonModule,
    MyfitnesspalModule,
    NolioModule,
    OmronModule,
    OuraModule,
    PolarModule,
    PolarV4Module,
    RideWithGpsModule,
    SensorBioModule,
    SmartOnFhirModule,
    StravaModule,
    SuuntoModule,
    TanitaHealthPlanetModule,
    TidepoolModule,
    TrainingpeaksModule,
    UltrahumanModule,
    WahooModule,
    WhoopModule,
    WithingsModule,
    ZeppModule,
  ],
})
export class ProvidersModule {}
