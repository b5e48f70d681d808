import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { tidepoolDefinition } from './tidepool.definition.js';

/** Tidepool: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class TidepoolModule extends OAuth2ProviderModule(tidepoolDefinition) {}
