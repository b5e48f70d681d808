import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { trainingpeaksDefinition } from './trainingpeaks.definition.js';

/** Trainingpeaks: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class TrainingpeaksModule extends OAuth2ProviderModule(trainingpeaksDefinition) {}
