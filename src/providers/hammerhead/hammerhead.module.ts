import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { hammerheadDefinition } from './hammerhead.definition.js';

/** Hammerhead: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class HammerheadModule extends OAuth2ProviderModule(hammerheadDefinition) {}
