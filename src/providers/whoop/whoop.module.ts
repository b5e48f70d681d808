import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { whoopDefinition } from './whoop.definition.js';

/** WHOOP: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class WhoopModule extends OAuth2ProviderModule(whoopDefinition) {}
