import type { INestApplicationContext } from '@nestjs/common';
import { InvalidArgumentError, type Command } from 'commander';
import type { ApiKeyListing, ApiKeyTerms } from '../access/api-key-store.js';
import { ApiKeysService } from '../access/api-keys.service.js';
import { accessScopes, isAccessScope, type AccessScope } from '../access/scopes.js';
import { parseDurationMs } from './duration.js';
import type { Print } from './output.js';
import { readCatalogue } from './provider-catalogue.js';
import { textTable } from './text-table.js';

interface CreateOptions {
  readonly name: string;
  readonly scopes: AccessScope[];
  readonly providers?: string[];
  readonly expires?: number;
}

/** Adds the commands for the keys of the company's services; `docs/access.md` says what such keys may do. */
export function addApiKeyCommands(
  apiKeys: Command,
  withService: (command: (app: INestApplicationContext) => Promise<void>) => Promise<void>,
  print: Print,
): void {
  apiKeys
    .command('create')
    .description('create a key and print it; it cannot be shown again')
    .requiredOption('--name <name>', 'the service that uses the key, such as "billing-service"', parseName)
    .requiredOption('--scopes <list>', `comma-separated, of: ${accessScopes.join(', ')}`, parseScopes)
    .option('--providers <list>', 'comma-separated slugs of the only providers that the key may use', parseProviders)
    .option('--expires <duration>', 'how long the key is valid, such as 12h or 90d', parseDuration)
    .action(async ({ name, scopes, providers, expires }: CreateOptions) => {
      await checkProvidersExist(providers ?? []);
      await withService(async (app) => {
        const key = await app.get(ApiKeysService).create(name, scopes, { providers, lifetimeMs: expires });
        print(key, { key });
      });
    });

  apiKeys
    .command('list')
    .description('list the keys, without their secrets')
    .action(() =>
      withService(async (app) => {
        const keys = await app.get(ApiKeysService).list();
        print(apiKeysTable(keys), { keys: keys.map(listingOf) });
      }),
    );

  apiKeys
    .command('rotate')
    .argument('<id>', 'id of the key: the part between the two underscores')
    .description('create a key with the same permissions, print it, and let the old one expire')
    .option('--overlap <duration>', 'how long both keys are valid; 24h if absent', parseDuration, 24 * 60 * 60 * 1_000)
    .action((id: string, { overlap }: { overlap: number }) =>
      withService(async (app) => {
        const key = await app.get(ApiKeysService).rotate(id, overlap);
        if (key === undefined) {
          throw new Error(`No active key has the id ${id}. Run "api-keys list".`);
        }
        print(key, { key });
      }),
    );

  apiKeys
    .command('bind')
    .argument('[ids...]', 'ids of keys that you recognize: the part between the two underscores')
    .option('--all', 'every active key that is not bound')
    .description('bind keys of an earlier version to their permissions; check "api-keys list" first')
    .action((ids: string[], { all }: { all?: boolean }) => {
      if ((ids.length === 0) !== (all === true)) {
        throw new Error(
          'Name the keys to bind, or use --all. Check each in "api-keys list" first: a bound key is trusted.',
        );
      }
      return withService(async (app) => {
        const bound = await app.get(ApiKeysService).bind(all === true ? undefined : ids);
        const missing = ids.filter((id) => bound.every((key) => key.id !== id));
        if (missing.length > 0) {
          throw new Error(`Not bound, because they are not active or already bound: ${missing.join(', ')}.`);
        }
        print(bound.length === 0 ? 'Every active key is already bound.' : boundTable(bound), {
          bound: bound.map(termsOf),
        });
      });
    });

  apiKeys
    .command('revoke')
    .argument('<id>', 'id of the key: the part between the two underscores')
    .description('revoke a key')
    .action((id: string) =>
      withService(async (app) => {
        if (!(await app.get(ApiKeysService).revoke(id))) {
          throw new Error(`No active key has the id ${id}. Run "api-keys list".`);
        }
        print(`Key ${id} is revoked. Every replica rejects it within 5 seconds.`, { revoked: id });
      }),
    );
}

function termsOf({
  id,
  name,
  scopes,
  providers,
  expiresAt,
}: Pick<ApiKeyTerms, 'id' | 'name' | 'scopes' | 'providers' | 'expiresAt'>): object {
  return { id, name, scopes, providers: providers ?? null, expiresAt };
}

function listingOf(key: ApiKeyListing): object {
  const { createdAt, lastUsedAt, revokedAt, bound } = key;
  return { ...termsOf(key), createdAt, lastUsedAt, revokedAt, bound };
}

function boundTable(keys: readonly ApiKeyTerms[]): string {
  const rows = keys.map(({ id, name, scopes, providers, expiresAt }) => [
    id,
    name,
    scopes.join(','),
    providers?.join(',') ?? 'all',
    minute(expiresAt),
  ]);
  return textTable([['BOUND', 'NAME', 'SCOPES', 'PROVIDERS', 'EXPIRES'], ...rows]);
}

function apiKeysTable(keys: readonly ApiKeyListing[]): string {
  const rows = keys.map((key) => [
    key.id,
    key.name,
    key.scopes.join(','),
    key.providers?.join(',') ?? 'all',
    minute(key.createdAt),
    minute(key.lastUsedAt),
    minute(key.expiresAt),
    minute(key.revokedAt),
    key.revokedAt !== null ? '-' : key.bound ? 'yes' : 'no',
  ]);
  return textTable([
    ['ID', 'NAME', 'SCOPES', 'PROVIDERS', 'CREATED', 'LAST USED', 'EXPIRES', 'REVOKED', 'BOUND'],
    ...rows,
  ]);
}

/** A moment to the minute, UTC. */
function minute(at: Date | null): string {
  return at === null ? '-' : `${at.toISOString().slice(0, 16)}Z`;
}

/** Checks the names of providers: a key for a misspelled one would be useless, and only its user would notice. */
async function checkProvidersExist(slugs: readonly string[]): Promise<void> {
  const known = slugs.length === 0 ? [] : (await readCatalogue(process.env)).map(({ definition }) => definition.slug);
  const unknown = slugs.filter((slug) => !known.includes(slug));
  if (unknown.length > 0) {
    throw new Error(`Unknown provider: ${unknown.join(', ')}. \`npm run cli -- providers\` lists all providers.`);
  }
}

function parseName(text: string): string {
  if (!/^\P{C}{1,100}$/u.test(text)) {
    throw new InvalidArgumentError('1 to 100 printable characters.');
  }
  return text;
}

function parseScopes(text: string): AccessScope[] {
  const scopes = text.split(',').map((scope) => scope.trim());
  const wrong = scopes.filter((scope) => !isAccessScope(scope));
  if (wrong.length > 0) {
    throw new InvalidArgumentError(`unknown: ${wrong.join(', ')}. Known: ${accessScopes.join(', ')}.`);
  }
  return scopes.filter(isAccessScope);
}

function parseProviders(text: string): string[] {
  const slugs = text.split(',').map((slug) => slug.trim());
  if (!slugs.every((slug) => /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(slug))) {
    throw new InvalidArgumentError('slugs from `npm run cli -- providers`.');
  }
  return slugs;
}

function parseDuration(text: string): number {
  const durationMs = parseDurationMs(text);
  if (durationMs === undefined) {
    throw new InvalidArgumentError('a number followed by m, h or d, such as 90d.');
  }
  return durationMs;
}
