import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { polarV4Definition } from './polar-v4.definition.js';

/** Polar (v4): one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class PolarV4Module extends OAuth2ProviderModule(polarV4Definition) {}
