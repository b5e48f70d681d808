import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { concept2Definition } from './concept2.definition.js';

/** Concept2 Logbook: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class Concept2Module extends OAuth2ProviderModule(concept2Definition) {}
