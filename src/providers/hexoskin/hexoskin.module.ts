import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { hexoskinDefinition } from './hexoskin.definition.js';

/** Hexoskin: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class HexoskinModule extends OAuth2ProviderModule(hexoskinDefinition) {}
