import type { Type } from '@nestjs/common';
import { MODULE_METADATA } from '@nestjs/common/constants.js';
import { NestFactory } from '@nestjs/core';
import { describeBootError } from '../config/boot-error.js';
import type { Environment } from '../config/read-environment.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import type { ProviderDefinition } from '../provider-kit/provider-definition.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import type { ProviderSettings } from '../provider-kit/provider-settings.js';
import { ProvidersModule } from '../providers/providers.module.js';

/** A provider of this build, and what the environment says about it. */
export interface CatalogueEntry {
  readonly definition: ProviderDefinition;
  /** Its settings, or why it would stop the boot. */
  readonly settings: ProviderSettings | { readonly problem: string };
}

/** Returns the definitions of all providers, sorted by slug. */
export async function readDefinitions(): Promise<ProviderDefinition[]> {
  return (await startProviders(ProvidersModule, {})).map(({ definition }) => definition);
}

/**
 * Reads each provider's settings by itself, so that the wrong ones of one provider do not hide those of another.
 *
 * @param environment - in place of the process's own
 * @returns all providers, sorted by slug
 */
export async function readCatalogue(environment: Environment): Promise<CatalogueEntry[]> {
  const modules = Reflect.getMetadata(MODULE_METADATA.IMPORTS, ProvidersModule) as Type[];
  const entries: CatalogueEntry[] = [];
  for (const module of modules) {
    entries.push(...(await readProvider(module, environment)));
  }
  return entries.sort((left, right) => (left.definition.slug < right.definition.slug ? -1 : 1));
}

async function readProvider(module: Type, environment: Environment): Promise<CatalogueEntry[]> {
  try {
    const providers = await startProviders(module, environment);
    return providers.map(({ definition, settings }) => ({ definition, settings }));
  } catch (error) {
    const settings = { problem: describeBootError(error) };
    // With nothing set a provider is off, and still says what it is.
    return (await startProviders(module, {})).map(({ definition }) => ({ definition, settings }));
  }
}

/** Starts modules of providers with these variables and nothing around them, as far as to know what they register. */
async function startProviders(module: Type, environment: Environment): Promise<HealthProvider[]> {
  const own = process.env;
  process.env = { ...environment };
  try {
    const context = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
    const providers = context.get(ProviderRegistry, { strict: false }).list();
    await context.close();
    return providers;
  } finally {
    process.env = own;
  }
}
