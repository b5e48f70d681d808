import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { ouraDefinition } from './oura.definition.js';

/** Oura: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class OuraModule extends OAuth2ProviderModule(ouraDefinition) {}
