import type { INestApplicationContext, Type } from '@nestjs/common';
import { Command } from 'commander';
import { version } from '../config/version.js';
import { printTo } from './output.js';

/**
 * The first word of a command line. Its code is loaded when it is called: help and small commands do not wait for the
 * rest.
 */
interface CommandGroup {
  readonly name: string;
  readonly description: string;
  /** Adds options and action to the command, or its own commands. */
  readonly load: (command: Command) => Promise<void>;
}

/** The command line. */
export const program = new Command('cufflink')
  .description('Operate a Cufflink deployment.')
  .version(version)
  .option('--json', 'print the result as JSON')
  .showHelpAfterError()
  // Commander would end the process with 1, which means a finding of a check.
  .exitOverride();

const print = printTo(process.stdout, () => program.opts<{ json?: boolean }>().json === true);
const progress = process.stderr;

const groups: readonly CommandGroup[] = [
  {
    name: 'api-keys',
    description: 'manage the API keys of your services',
    load: async (command) => {
      const { addApiKeyCommands } = await import('./api-key-commands.js');
      addApiKeyCommands(command, withCliModule, print);
    },
  },
  {
    name: 'audit',
    description: 'verify and prune the audit trail',
    load: async (command) => {
      const { addAuditCommands } = await import('./audit-commands.js');
      addAuditCommands(command, withCliModule, print);
    },
  },
  {
    name: 'connections',
    description: 'manage stored connections',
    load: async (command) => {
      const { addConnectionCommands } = await import('./connection-commands.js');
      const { ConnectionsCliModule } = await import('./connections-cli.module.js');
      addConnectionCommands(command, { withConnections: withModule(ConnectionsCliModule), print, progress });
    },
  },
  {
    name: 'erasures',
    description: 'manage erasures of users',
    load: async (command) => {
      const { addErasureCommands } = await import('./erasure-commands.js');
      const { UsersCliModule } = await import('./users-cli.module.js');
      addErasureCommands(command, withModule(UsersCliModule), print);
    },
  },
  {
    name: 'migrate',
    description: 'run the pending migrations of the database; safe to run from several places at once',
    load: async (command) => (await import('./migrate-command.js')).addMigrateCommand(command, print, progress),
  },
  {
    name: 'distribute',
    description: 'distribute the tables over the nodes of Citus, or over partitions; see docs/scale.md',
    load: async (command) => (await import('./distribute-command.js')).addDistributeCommand(command, print, progress),
  },
  {
    name: 'providers',
    description: 'list the providers and whether they are enabled',
    load: async (command) => (await import('./provider-commands.js')).addProvidersCommand(command, print),
  },
  {
    name: 'client-keys',
    description: 'print the public keys that this deployment authenticates with at providers, as a JWK set',
    load: async (command) => (await import('./provider-commands.js')).addClientKeysCommand(command, print),
  },
  {
    name: 'doctor',
    description: 'check the settings, the database and a running service; exit status 1 if there is a problem',
    load: async (command) => (await import('./provider-commands.js')).addDoctorCommand(command, print),
  },
  {
    name: 'subscriptions',
    description: 'see and repair the subscriptions at providers',
    load: async (command) => {
      const { addSubscriptionCommands } = await import('./subscription-commands.js');
      const { SubscriptionsCliModule } = await import('./subscriptions-cli.module.js');
      addSubscriptionCommands(command, withModule(SubscriptionsCliModule), print);
    },
  },
  {
    name: 'webhooks',
    description: 'manage the endpoints that receive events',
    load: async (command) => {
      const { addWebhookCommands } = await import('./webhook-commands.js');
      const { WebhooksCliModule } = await import('./webhooks-cli.module.js');
      addWebhookCommands(command, withModule(WebhooksCliModule), print);
    },
  },
  {
    name: 'keys',
    description: 'manage the encryption keys of stored values; see docs/keys.md',
    load: async (command) => {
      const { addKeyCommands } = await import('./key-commands.js');
      const { KeysCliModule } = await import('./keys-cli.module.js');
      addKeyCommands(command, { withKeys: withModule(KeysCliModule), print, progress });
    },
  },
];

for (const { name, description } of groups) {
  program.command(name).description(description);
}
// Commander's own help does not load the command first.
program
  .helpCommand(false)
  .command('help')
  .argument('[command]')
  .description('display help for command')
  .action(async (name?: string) => {
    await program.parseAsync(name === undefined ? ['--help'] : [name, '--help'], { from: 'user' });
  });
program.hook('preSubcommand', async (_program, command) => {
  await groups.find(({ name }) => name === command.name())?.load(command);
});

type WithService = (command: (app: INestApplicationContext) => Promise<void>) => Promise<void>;

function withModule(module: Type): WithService {
  return (command) => withService(command, module);
}

async function withCliModule(command: (app: INestApplicationContext) => Promise<void>): Promise<void> {
  const { CliModule } = await import('./cli.module.js');
  await withService(command, CliModule);
}

/** Runs a command with the modules of the service, against the database of the environment. */
async function withService(command: (app: INestApplicationContext) => Promise<void>, module: Type): Promise<void> {
  let stopDatabase: (() => Promise<void>) | undefined;
  if (process.env['NODE_ENV'] !== 'production') {
    const { completeDevelopmentEnvironment } = await import('../development/development-environment.js');
    const postgres = await completeDevelopmentEnvironment(process.env, () => undefined);
    stopDatabase = () => postgres?.stop() ?? Promise.resolve();
  }
  try {
    const { NestFactory } = await import('@nestjs/core');
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
