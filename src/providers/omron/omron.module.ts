import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { omronDefinition } from './omron.definition.js';

/** Omron: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class OmronModule extends OAuth2ProviderModule(omronDefinition) {}
