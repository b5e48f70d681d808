import { InvalidArgumentError, type Command } from 'commander';
import type { Environment } from '../config/read-environment.js';
import { clientKeySet } from './client-keys.js';
import { checkDatabase, countConnections } from './check-database.js';
import { checkRunningService } from './check-running-service.js';
import { checkProvider, checkService, countWrong, groupDisabled, renderReport } from './doctor.js';
import { askProviders, renderLive } from './live/live-command.js';
import {
  findFixtures,
  observeUser,
  renderObservation,
  writeObservation,
  type Terminal,
} from './live/observe-command.js';
import { findMisspelled } from './misspelled-variables.js';
import { exitCodes, type Print } from './output.js';
import { readCatalogue, withProvider, type CatalogueEntry } from './provider-catalogue.js';
import { describeProvider, providersTable } from './providers-table.js';

/** Makes a command list the providers. */
export function addProvidersCommand(providers: Command, print: Print): void {
  providers.action(async () => {
    const entries = await readOwnCatalogue(process.env);
    print(providersTable(entries), { providers: entries.map(describeProvider) });
  });
}

/** Makes a command print the public keys of this deployment's client authentication. */
export function addClientKeysCommand(clientKeys: Command, print: Print): void {
  clientKeys.action(async () => {
    const keySet = clientKeySet(await readOwnCatalogue(process.env));
    print(JSON.stringify(keySet, null, 2), keySet);
  });
}

/** Makes a command check the configuration, and with `--live` the providers. It changes nothing. */
export function addDoctorCommand(doctor: Command, print: Print): void {
  doctor
    .argument('[slugs...]', 'with --live: the providers to ask; all configured ones if there are none')
    .option('--url <url>', 'also check the service that runs at this URL, such as http://localhost:3000', parseUrl)
    .option('--all', 'show each provider that is off', false)
    .option('--live', 'ask the providers themselves, at most once a day, without a user', false)
    .option(
      '--with-test-user',
      'with --live and one provider: guide a consent of a test user, then end its grant',
      false,
    )
    .option('--fixtures <folder>', 'with --with-test-user: where to write observed.json')
    .option('--with-client', 'with --live: also send probes that need the client secret', false)
    .action(async (asked: readonly string[], options: DoctorOptions) => {
      const { url, all, live, withClient, withTestUser } = options;
      if (live && withTestUser) {
        await observeTestUser(asked, options.fixtures, print);
        return;
      }
      if (live) {
        // No provider is replaced by the sandbox here.
        const declared = await readCatalogue(withoutOutbound({ ...process.env, SANDBOX_URL: undefined }));
        const reports = await askProviders(declared, { slugs: asked, withClient }, { environment: process.env });
        print(renderLive(reports), { reports });
        return;
      }
      if (asked.length > 0 || withClient || withTestUser) {
        throw new Error('Providers, --with-client and --with-test-user go with --live only.');
      }
      const catalogue = await readOwnCatalogue(process.env);
      const slugs = catalogue.map(({ definition }) => definition.slug);
      const service = [
        ...checkService(process.env),
        ...(await checkDatabase(process.env)),
        ...(url === undefined ? [] : await checkRunningService(url)),
        ...findMisspelled(process.env, slugs),
      ];
      const today = new Date().toISOString().slice(0, 10);
      const ending = catalogue.filter(({ definition }) => definition.lifecycle.status !== 'live');
      const counts = await countConnections(
        process.env,
        ending.map(({ definition }) => definition.slug),
      );
      const providers = catalogue.map((entry) => checkProvider(entry, today, counts.get(entry.definition.slug)));
      const problems = countWrong([...service, ...providers]);
      print(renderReport(service, all ? providers : groupDisabled(providers)), { service, providers, problems });
      process.exitCode = problems === 0 ? exitCodes.success : exitCodes.finding;
    });
}

/** @param asked - the one provider */
async function observeTestUser(asked: readonly string[], fixtures: string | undefined, print: Print): Promise<void> {
  const [slug, ...others] = asked;
  if (slug === undefined || others.length > 0) {
    throw new Error('Name one provider, for example: doctor --live --with-test-user strava.');
  }
  const folder = fixtures ?? (await findFixtures(slug));
  const terminal: Terminal = { input: process.stdin, tell: (text) => process.stderr.write(`${text}\n`) };
  const environment = { ...process.env, SANDBOX_URL: undefined };
  const observation = await withProvider(slug, environment, (provider, http) =>
    observeUser(provider, http, terminal, new Date()),
  );
  const file = await writeObservation(observation, folder);
  print(renderObservation(observation, file), { ...observation, file });
}

interface DoctorOptions {
  readonly url?: URL;
  readonly all: boolean;
  readonly live: boolean;
  readonly withClient: boolean;
  readonly withTestUser: boolean;
  readonly fixtures?: string;
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError('an http or https URL.');
  }
  return new URL(text);
}

/**
 * Reads the providers of this deployment. Outside production the service starts a sandbox for providers without
 * credentials. The settings of outgoing requests are checked once, not for each provider.
 */
function readOwnCatalogue(environment: Environment): Promise<CatalogueEntry[]> {
  const SANDBOX_URL = environment['SANDBOX_URL'] || 'http://127.0.0.1:3001';
  return readCatalogue(withoutOutbound({ ...environment, SANDBOX_URL }));
}

function withoutOutbound(environment: Environment): Environment {
  return { ...environment, OUTBOUND_PROXY_URL: undefined, OUTBOUND_PRIVATE_HOSTS: undefined };
}
