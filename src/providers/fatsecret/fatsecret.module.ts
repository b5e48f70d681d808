import { Module } from '@nestjs/common';
import { OAuth1ProviderModule } from '../../provider-kit/provider-module.js';
import { fatsecretDefinition } from './fatsecret.definition.js';

/** FatSecret: one Nest module around one Passport OAuth 1.0a strategy. */
@Module({})
export class FatsecretModule extends OAuth1ProviderModule(fatsecretDefinition) {}
