import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { intervalsIcuDefinition } from './intervals-icu.definition.js';

/** Intervals Icu: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class IntervalsIcuModule extends OAuth2ProviderModule(intervalsIcuDefinition) {}
