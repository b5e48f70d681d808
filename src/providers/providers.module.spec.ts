import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { MODULE_METADATA } from '@nestjs/common/constants.js';
import { NestFactory } from '@nestjs/core';
import passport from 'passport';
import OAuth1Strategy from 'passport-oauth1';
import OAuth2Strategy from 'passport-oauth2';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import { OAuth1HealthProvider } from '../provider-kit/strategies/oauth1-health-provider.js';
import { OAuth2HealthProvider } from '../provider-kit/strategies/oauth2-health-provider.js';
import type { ProviderDefinition } from '../provider-kit/definition/provider-definition.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { VendorSandbox } from '../sandbox/vendor-sandbox.js';
import { ProvidersModule } from './providers.module.js';

const providersFolder = dirname(fileURLToPath(import.meta.url));
const folders = readdirSync(providersFolder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

describe('Nest modules of the providers', () => {
  it('are one for each folder', async () => {
    const ofFolders = await Promise.all(folders.map((folder) => importClasses(folder, 'module')));
    expect(ofFolders.map((modules) => modules.length)).toEqual(folders.map(() => 1));
    expect(Reflect.getMetadata(MODULE_METADATA.IMPORTS, ProvidersModule)).toEqual(ofFolders.flat());
  });

  describe('link through Passport', () => {
    const environment = process.env;
    let sandbox: VendorSandbox;

    beforeEach(async () => {
      sandbox = await VendorSandbox.start({ providers: new Map() });
      process.env = { SANDBOX_URL: sandbox.url };
    });

    afterEach(async () => {
      process.env = environment;
      jest.restoreAllMocks();
      await sandbox.stop();
    });

    it.each(folders)('%s has one Passport strategy for each provider, registered under its slug', async (folder) => {
      const registered = jest.spyOn(passport, 'use');
      const { providers, used } = await beginLinks(folder);
      const strategies = registered.mock.calls.map(([strategy]) => strategy as unknown as passport.Strategy);
      expect(strategies.map(({ name }) => name).sort()).toEqual(slugsOf(providers));
      expect(used.map(({ name }) => name)).toEqual(slugsOf(providers));
      expect(used.filter((strategy) => !strategies.includes(strategy))).toEqual([]);
    });

    it.each(folders)('%s registers the provider of its folder, with the class of its folder', async (folder) => {
      const { providers } = await beginLinks(folder);
      expect(slugsOf(providers)).toEqual((await importDefinitions(folder)).map(({ slug }) => slug).sort());
      const plain = (provider: HealthProvider): Type =>
        provider.definition.oauth === '1.0a' ? OAuth1HealthProvider : OAuth2HealthProvider;
      const [own] = await importClasses(folder, 'provider');
      expect(providers.map(({ constructor }) => constructor)).toEqual(providers.map((each) => own ?? plain(each)));
    });

    /**
     * Starts the module of a folder and one link with each of its providers; tells which strategies carried the links.
     */
    async function beginLinks(folder: string): Promise<{ providers: HealthProvider[]; used: passport.Strategy[] }> {
      for (const { slug, sandbox: sandboxDefinition } of await importDefinitions(folder)) {
        sandbox.add(slug, sandboxDefinition);
      }
      const [module] = await importClasses(folder, 'module');
      const context = await NestFactory.createApplicationContext(module as Type, {
        logger: false,
        abortOnError: false,
      });
      const providers = context.get(ProviderRegistry, { strict: false }).list();
      const used: passport.Strategy[] = [];
      for (const provider of providers) {
        used.push(await beginLink(provider));
      }
      await context.close();
      return { providers, used };
    }
  });
});

/** Starts a link, and returns the strategy that it ran through. */
async function beginLink(provider: HealthProvider): Promise<passport.Strategy> {
  const { definition, settings } = provider;
  const library: { prototype: passport.Strategy } = definition.oauth === '1.0a' ? OAuth1Strategy : OAuth2Strategy;
  const begun = jest.spyOn(library.prototype, 'authenticate');
  await provider.begin({ state: 'state-of-a-link', redirectUri: settings.redirectUri, scopes: settings.scopes });
  // Each attempt runs on a fresh object whose prototype is the strategy.
  const strategies = begun.mock.contexts.map((attempt) => Object.getPrototypeOf(attempt) as passport.Strategy);
  begun.mockRestore();
  expect(strategies).toHaveLength(1);
  return strategies[0] as passport.Strategy;
}

function slugsOf(providers: readonly HealthProvider[]): string[] {
  return providers.map(({ definition }) => definition.slug);
}

/** The classes that a file of a folder exports; none where there is no such file. */
async function importClasses(folder: string, part: 'module' | 'provider'): Promise<Type[]> {
  const path = `./${folder}/${folder}.${part}`;
  return existsSync(join(providersFolder, `${path}.ts`))
    ? Object.values((await import(`${path}.js`)) as Record<string, Type>)
    : [];
}

/** The definitions that a folder exports. */
async function importDefinitions(folder: string): Promise<ProviderDefinition[]> {
  const exported: unknown[] = Object.values((await import(`./${folder}/${folder}.definition.js`)) as object);
  return exported.filter(
    (value): value is ProviderDefinition => typeof value === 'object' && value !== null && 'slug' in value,
  );
}
