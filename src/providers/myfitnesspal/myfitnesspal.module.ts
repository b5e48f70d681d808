import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { myfitnesspalDefinition } from './myfitnesspal.definition.js';

/** Myfitnesspal: one Nest module around one Passport OAuth 2.0 strategy. */
@Module({})
export class MyfitnesspalModule extends OAuth2ProviderModule(myfitnesspalDefinition) {}
