import type { Command } from 'commander';
import type { Environment } from '../config/read-environment.js';
import { checkDatabase, countConnections } from './check-database.js';
import { checkProvider, checkService, countWrong, renderReport } from './doctor.js';
import { askProviders } from './live/live-command.js';
import { readCatalogue, type CatalogueEntry } from './provider-catalogue.js';
import { providersTable } from './providers-table.js';

/** Adds the commands that look at the configuration and change nothing. */
export function addProviderCommands(program: Command, print: (text: string) => void): void {
  program
    .command('providers')
    .description('list the providers and whether they are enabled')
    .action(async () => print(providersTable(await readOwnCatalogue(process.env))));

  program
    .command('doctor')
    .description('check the settings; exit status 1 if there is a problem')
    .argument('[slugs...]', 'with --live: the providers to ask; all configured ones if there are none')
    .option('--live', 'ask the providers themselves, at most once a day, without a user')
    .option('--with-client', 'with --live: also send probes that need the client secret')
    .action(async (slugs: readonly string[], { live, withClient }: { live?: true; withClient?: true }) => {
      if (live === true) {
        // No sandbox stands for a provider here.
        const catalogue = await readCatalogue(withoutOutbound({ ...process.env, SANDBOX_URL: undefined }));
        const choice = { slugs, withClient: withClient === true };
        await askProviders(catalogue, choice, { environment: process.env, print });
        return;
      }
      if (slugs.length > 0 || withClient === true) {
        throw new Error('Providers and --with-client go with --live only.');
      }
      const service = [...checkService(process.env), ...(await checkDatabase(process.env))];
      const today = new Date().toISOString().slice(0, 10);
      const catalogue = await readOwnCatalogue(process.env);
      const ending = catalogue.filter(({ definition }) => definition.lifecycle.status !== 'live');
      const counts = await countConnections(
        process.env,
        ending.map(({ definition }) => definition.slug),
      );
      const providers = catalogue.map((entry) => checkProvider(entry, today, counts.get(entry.definition.slug)));
      print(renderReport(service, providers));
      process.exitCode = countWrong([...service, ...providers]) === 0 ? 0 : 1;
    });
}

/**
 * Outside production the service starts a sandbox for the providers without credentials. How requests leave is looked
 * at once, not for each.
 */
function readOwnCatalogue(environment: Environment): Promise<CatalogueEntry[]> {
  const SANDBOX_URL = environment['SANDBOX_URL'] || 'http://127.0.0.1:3001';
  return readCatalogue(withoutOutbound({ ...environment, SANDBOX_URL }));
}

function withoutOutbound(environment: Environment): Environment {
  return { ...environment, OUTBOUND_PROXY_URL: undefined, OUTBOUND_PRIVATE_HOSTS: undefined };
}
