import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { corosDefinition } from './coros.definition.js';

/** COROS: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class CorosModule extends OAuth2ProviderModule(corosDefinition) {}
