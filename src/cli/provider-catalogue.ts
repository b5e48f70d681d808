import type { INestApplicationContext, Type } from '@nestjs/common';
import { MODULE_METADATA } from '@nestjs/common/constants.js';
import { NestFactory } from '@nestjs/core';
import { describeBootError } from '../config/boot-error.js';
import type { Environment } from '../config/read-environment.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import { ProviderHttpClient } from '../provider-kit/http/http-client.js';
import type { ProviderDefinition } from '../provider-kit/definition/provider-definition.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { readProviderSettings, type ProviderSettings } from '../provider-kit/definition/provider-settings.js';
import { ProvidersModule } from '../providers/providers.module.js';

/** A provider of this build, and its settings in the environment. */
export interface CatalogueEntry {
  readonly definition: ProviderDefinition;
  /** Its settings; those of a provider that is off if `problem` is set. */
  readonly settings: ProviderSettings;
  /** Why its settings would fail the start. */
  readonly problem?: string;
}

/** Returns the definitions of all providers, sorted by slug. */
export async function readDefinitions(): Promise<ProviderDefinition[]> {
  return (await startProviders(ProvidersModule, {})).map(({ definition }) => definition);
}

/**
 * Reads the settings of all providers. If some are wrong, it reads each provider alone, which takes much longer. So one
 * provider's wrong settings do not hide another's.
 *
 * @param environment - in place of the process's own
 * @returns all providers, sorted by slug
 */
export async function readCatalogue(environment: Environment): Promise<CatalogueEntry[]> {
  const whole = await startProviders(ProvidersModule, environment).catch(() => undefined);
  const entries: CatalogueEntry[] = whole?.map(({ definition, settings }) => ({ definition, settings })) ?? [];
  for (const module of whole === undefined ? providerModules() : []) {
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

/** @param provider - as it is without settings */
function readSettings({ definition, settings }: HealthProvider, environment: Environment): CatalogueEntry {
  try {
    return { definition, settings: readProviderSettings(definition, environment) };
  } catch (error) {
    return { definition, settings, problem: describeBootError(error) };
  }
}

/**
 * Uses one provider as the service would, and its HTTP client.
 *
 * @param environment - in place of the process's own
 * @throws Error when no provider has this slug, or the settings of any would fail the start
 */
export async function withProvider<Result>(
  slug: string,
  environment: Environment,
  use: (provider: HealthProvider, http: ProviderHttpClient) => Promise<Result>,
): Promise<Result> {
  const context = await startContext(ProvidersModule, environment);
  try {
    const registry = context.get(ProviderRegistry, { strict: false });
    if (!registry.has(slug)) {
      throw new Error(`There is no provider ${slug}. "providers" lists them.`);
    }
    return await use(registry.get(slug), context.get(ProviderHttpClient, { strict: false }));
  } finally {
    await context.close();
  }
}

function providerModules(): readonly Type[] {
  return Reflect.getMetadata(MODULE_METADATA.IMPORTS, ProvidersModule) as Type[];
}

/** Starts only the modules of providers with these variables, to find the providers that they register. */
async function startProviders(module: Type, environment: Environment): Promise<HealthProvider[]> {
  const context = await startContext(module, environment);
  const providers = context.get(ProviderRegistry, { strict: false }).list();
  await context.close();
  return providers;
}

async function startContext(module: Type, environment: Environment): Promise<INestApplicationContext> {
  const own = process.env;
  process.env = { ...environment };
  try {
    return await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  } finally {
    process.env = own;
  }
}
