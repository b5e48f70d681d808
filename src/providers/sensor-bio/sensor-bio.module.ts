import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { sensorBioDefinition } from './sensor-bio.definition.js';

/** Sensor Bio: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class SensorBioModule extends OAuth2ProviderModule(sensorBioDefinition) {}
