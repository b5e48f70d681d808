import type { Type } from '@nestjs/common';
import { MODULE_METADATA } from '@nestjs/common/constants.js';
import { NestFactory } from '@nestjs/core';
import { describeBootError } from '../config/boot-error.js';
import type { Environment } from '../config/read-environment.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import type { ProviderDefinition } from '../provider-kit/definition/provider-definition.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { readProviderSettings, type ProviderSettings } from '../provider-kit/definition/provider-settings.js';
import { ProvidersModule } from '../providers/providers.module.js';

/** A provider of this build, and what the environment says about it. */
export interface CatalogueEntry {
  readonly definition: ProviderDefinition;
  /** Its settings; those of a provider that is off if `problem` is set. */
  readonly settings: ProviderSettings;
  /** Why its settings would stop the boot. */
  readonly problem?: string;
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

/** Most modules have one provider; some have one for each region or server. */
async function readProvider(module: Type, environment: Environment): Promise<CatalogueEntry[]> {
  try {
    return (await startProviders(module, environment)).map(({ definition, settings }) => ({ definition, settings }));
  } catch (error) {
    const { PUBLIC_URL, PORT } = environment;
    const providers = await startProviders(module, { PUBLIC_URL, PORT });
    const entries = providers.map((provider) => readSettings(provider, environment));
    const explained = entries.some(({ problem }) => problem !== undefined);
    return explained ? entries : entries.map((entry) => ({ ...entry, problem: describeBootError(error) }));
  }
}

/** @param provider - as it is when nothing is set */
function readSettings({ definition, settings }: HealthProvider, environment: Environment): CatalogueEntry {
  try {
    return { definition, settings: readProviderSettings(definition, environment) };
  } catch (error) {
    return { definition, settings, problem: describeBootError(error) };
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
