import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { nolioDefinition } from './nolio.definition.js';

/** Nolio: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class NolioModule extends OAuth2ProviderModule(nolioDefinition) {}
