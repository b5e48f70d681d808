import { existsSync } from 'node:fs';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Command, InvalidArgumentError } from 'commander';
import { ApiKeysService, type ApiKeyListing } from '../access/api-keys.service.js';
import { accessScopes, isAccessScope, type AccessScope } from '../access/scopes.js';
import { describeBootError } from '../config/boot-error.js';
import { addAuditCommands } from './audit-commands.js';
import { CliModule, UsersCliModule } from './cli.module.js';
import { addErasureCommands } from './erasure-commands.js';
import { parseDurationMs } from './duration.js';
import { addKeyCommands } from './key-commands.js';
import { KeysCliModule } from './keys-cli.module.js';
import { addProviderCommands } from './provider-commands.js';

const program = new Command('cufflink').description('Operate a Cufflink deployment.').showHelpAfterError();

const apiKeys = program.command('api-keys').description("keys of the company's services");

apiKeys
  .command('create')
  .description('make a key and print it; it cannot be shown again')
  .requiredOption('--name <name>', 'who uses it, such as "billing-service"', parseName)
  .requiredOption('--scopes <list>', `comma-separated, of: ${accessScopes.join(', ')}`, parseScopes)
  .option('--providers <list>', 'comma-separated slugs of the only providers it may use', parseProviders)
  .option('--expires <duration>', 'how long it works, such as 12h or 90d', parseDuration)
  .action(({ name, scopes, providers, expires }: CreateOptions) =>
    withService(async (app) => {
      print(await app.get(ApiKeysService).create(name, scopes, { providers, lifetimeMs: expires }));
    }),
  );

apiKeys
  .command('list')
  .description('list the keys, without their secrets')
  .action(() =>
    withService(async (app) => {
      for (const key of await app.get(ApiKeysService).list()) {
        print(describeApiKey(key));
      }
    }),
  );

apiKeys
  .command('revoke')
  .argument('<id>', 'the part of the key between the two underscores')
  .description('end a key')
  .action((id: string) =>
    withService(async (app) => {
      if (!(await app.get(ApiKeysService).revoke(id))) {
        throw new Error(`No key with the id ${id} is in use.`);
      }
      print(`Key ${id} is revoked; replicas notice within 5 seconds.`);
    }),
  );

addAuditCommands(program, withService, print);
addErasureCommands(program, (command) => withService(command, UsersCliModule), print);
apiKeys
  .command('rotate')
  .argument('<id>', 'the part of the key between the two underscores')
  .description('make a key that may do the same, print it, and let the old one expire')
  .option('--overlap <duration>', 'how long both work, such as 24h', parseDuration, 24 * 60 * 60 * 1_000)
  .action((id: string, { overlap }: { overlap: number }) =>
    withService(async (app) => {
      const key = await app.get(ApiKeysService).rotate(id, overlap);
      if (key === undefined) {
        throw new Error(`No key with the id ${id} is in use.`);
      }
      print(key);
    }),
  );

addProviderCommands(program, print);
addKeyCommands(program, {
  withKeys: (command) => withService(command, KeysCliModule),
  print,
  progress: process.stderr,
});

interface CreateOptions {
  readonly name: string;
  readonly scopes: AccessScope[];
  readonly providers?: string[];
  readonly expires?: number;
}

function describeApiKey(key: ApiKeyListing): string {
  const moments = [
    ['expires', key.expiresAt],
    ['revoked', key.revokedAt],
    ['last used', key.lastUsedAt],
  ] as const;
  return [
    key.id,
    key.createdAt.toISOString(),
    key.name,
    key.scopes.join(','),
    ...(key.providers === null ? [] : [`only ${key.providers.join(',')}`]),
    ...moments.flatMap(([what, at]) => (at === null ? [] : [`${what} ${at.toISOString()}`])),
  ].join('  ');
}

/** Runs a command with the modules of the service, against the database of the environment. */
async function withService(
  command: (app: INestApplicationContext) => Promise<void>,
  module: Type = CliModule,
): Promise<void> {
  let stopDatabase: (() => Promise<void>) | undefined;
  if (process.env['NODE_ENV'] !== 'production') {
    const { completeDevelopmentEnvironment } = await import('../development/development.js');
    const postgres = await completeDevelopmentEnvironment(process.env, () => undefined);
    stopDatabase = () => postgres?.stop() ?? Promise.resolve();
  }
  try {
    const app = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
    try {
      await command(app);
    } finally {
      await app.close();
    }
  } finally {
    await stopDatabase?.();
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
    throw new InvalidArgumentError('slugs as `npm run cli -- providers` lists them.');
  }
  return slugs;
}

function parseDuration(text: string): number {
  const durationMs = parseDurationMs(text);
  if (durationMs === undefined) {
    throw new InvalidArgumentError('a number with m, h or d behind it, such as 90d.');
  }
  return durationMs;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  if (existsSync('.env')) {
    process.loadEnvFile('.env');
  }
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${describeBootError(error)}\n`);
  process.exitCode = 1;
}
