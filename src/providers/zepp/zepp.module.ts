import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { zeppDefinition } from './zepp.definition.js';

/** Zepp: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class ZeppModule extends OAuth2ProviderModule(zeppDefinition) {}
