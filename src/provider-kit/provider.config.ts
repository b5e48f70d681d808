import { registerAs } from '@nestjs/config';
import type { ProviderDefinition } from './definition/provider-definition.js';
import { readProviderSettings } from './definition/provider-settings.js';

/** Returns the Nest configuration of a provider's settings: `providers.<slug>`. */
export function providerConfig<Definition extends ProviderDefinition>(definition: Definition) {
  return registerAs(`providers.${definition.slug}`, () => readProviderSettings(definition, process.env));
}
