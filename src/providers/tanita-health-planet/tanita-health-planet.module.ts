import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { tanitaHealthPlanetDefinition } from './tanita-health-planet.definition.js';

/** Tanita Health Planet: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class TanitaHealthPlanetModule extends OAuth2ProviderModule(tanitaHealthPlanetDefinition) {}
