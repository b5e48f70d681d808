import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { ultrahumanDefinition } from './ultrahuman.definition.js';

/** Ultrahuman: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class UltrahumanModule extends OAuth2ProviderModule(ultrahumanDefinition) {}
