import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { polarDefinition } from './polar.definition.js';
import { PolarProvider } from './polar.provider.js';

/** Polar: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class PolarModule extends OAuth2ProviderModule(polarDefinition, { provider: PolarProvider }) {}
