import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { suuntoDefinition } from './suunto.definition.js';

/** Suunto: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class SuuntoModule extends OAuth2ProviderModule(suuntoDefinition) {}
