import { Module } from '@nestjs/common';
import { OAuth2ProviderModule } from '../../provider-kit/provider-module.js';
import { dexcomDefinition, dexcomEuDefinition, dexcomJpDefinition } from './dexcom.definition.js';

/** Dexcom: one provider for each region, each around a Passport OAuth 2.0 strategy of its own. */
@Module({
  imports: [dexcomDefinition, dexcomEuDefinition, dexcomJpDefinition].map((region) => OAuth2ProviderModule(region)),
})
export class DexcomModule {}
