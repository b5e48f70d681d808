import type { INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Command } from 'commander';
import { version } from '../config/version.js';
import { addApiKeyCommands } from './api-key-commands.js';
import { addAuditCommands } from './audit-commands.js';
import {
  CliModule,
  ConnectionsCliModule,
  SubscriptionsCliModule,
  UsersCliModule,
  WebhooksCliModule,
} from './cli.module.js';
import { addConnectionCommands } from './connection-commands.js';
import { addErasureCommands } from './erasure-commands.js';
import { addKeyCommands } from './key-commands.js';
import { KeysCliModule } from './keys-cli.module.js';
import { addMigrateCommand } from './migrate-command.js';
import { printTo } from './output.js';
import { addProviderCommands } from './provider-commands.js';
import { addSubscriptionCommands } from './subscription-commands.js';
import { addWebhookCommands } from './webhook-commands.js';

/** The command line. */
export const program = new Command('cufflink')
  .description('Operate a Cufflink deployment.')
  .version(version)
  .option('--json', 'print the result as JSON')
  .showHelpAfterError()
  // Commander would end the process with 1, which says that a check has found something.
  .exitOverride();

const print = printTo(process.stdout, () => program.opts<{ json?: boolean }>().json === true);

addApiKeyCommands(program, withService, print);
addAuditCommands(program, withService, print);
addConnectionCommands(program, {
  withConnections: (command) => withService(command, ConnectionsCliModule),
  print,
  progress: process.stderr,
});
addErasureCommands(program, (command) => withService(command, UsersCliModule), print);
addMigrateCommand(program, print);
addProviderCommands(program, print);
addSubscriptionCommands(program, (command) => withService(command, SubscriptionsCliModule), print);
addWebhookCommands(program, (command) => withService(command, WebhooksCliModule), print);
addKeyCommands(program, {
  withKeys: (command) => withService(command, KeysCliModule),
  print,
  progress: process.stderr,
});

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
