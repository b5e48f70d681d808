import type { INestApplicationContext } from '@nestjs/common';
import { InvalidArgumentError, type Command } from 'commander';
import type { MigratedConnection, MigrationOutcome } from '../tokens/grant-migration.js';
import { GrantMigrations } from '../tokens/grant-migrations.js';
import { ProgressBar, type ProgressOutput } from './progress-bar.js';
import { textTable } from './text-table.js';

/** What the commands need of the program around them. */
export interface ConnectionCommandContext {
  /** Runs a command with the providers and the stored grants, against the database of the environment. */
  readonly withConnections: (command: (app: INestApplicationContext) => Promise<void>) => Promise<void>;
  readonly print: (text: string) => void;
  readonly progress: ProgressOutput;
}

interface MigrateOptions {
  readonly dryRun: boolean;
  readonly limit?: number;
  readonly rate: number;
  readonly repeatUnanswered: boolean;
}

/** What each outcome means, in the order of the table. */
const meanings: Readonly<Record<MigrationOutcome, string>> = {
  migrated: 'the connection of the successor stands in its place',
  already_linked: 'the user had linked the successor; the old connection is gone',
  passed_by: 'another run works on it, or its user unlinked or linked it anew meanwhile',
  in_doubt: 'the exchange was begun, or the refresh after it, and its answer lost; see --repeat-unanswered',
  conflict: 'the user has a connection to the successor that is dead or of another account',
  other_account: 'the new grant is of another account; it is not used',
  failed: 'nothing has changed; run the command again',
};

/** Those that somebody has to look after, or to run the command again for. */
const unfinished: readonly MigrationOutcome[] = ['in_doubt', 'conflict', 'other_account', 'failed'];

/** More connections than this are counted only: a list of thousands helps nobody. */
const mostListed = 100;

/** Adds the commands for many connections at once; `docs/migrating-garmin.md` says how to go about it. */
export function addConnectionCommands(
  program: Command,
  { withConnections, print, progress }: ConnectionCommandContext,
): void {
  program
    .command('connections')
    .description('stored connections')
    .command('migrate')
    .argument('<provider>', 'the provider that is replaced, such as garmin-oauth1')
    .description('exchange the grants of a provider for those of its successor; run it again after any end')
    .option('--dry-run', 'only count what would be done', false)
    .option('--limit <connections>', 'at most so many in this run; all unless given', parsePositive)
    .option('--rate <connections>', 'at most so many a second', parsePositive, 5)
    .option('--repeat-unanswered', 'exchange once more where an answer was lost', false)
    .action((provider: string, options: MigrateOptions) =>
      withConnections(async (app) => {
        const migrations = app.get(GrantMigrations);
        const { ready, inDoubt, exchanged, alreadyLinked } = await migrations.count(provider);
        if (options.dryRun) {
          const rows = [
            ['to be exchanged', String(ready)],
            ['exchanged, to be finished', String(exchanged)],
            ['linked with the successor by the user', String(alreadyLinked)],
            ['in doubt', String(inDoubt)],
          ];
          print(textTable([['CONNECTIONS', 'NUMBER'], ...rows]));
          return;
        }
        const total = Math.min(options.limit ?? Infinity, ready + inDoubt + exchanged + alreadyLinked);
        await migrate(migrations, provider, options, total);
      }),
    );

  async function migrate(
    migrations: GrantMigrations,
    provider: string,
    { rate: perSecond, limit = Infinity, repeatUnanswered }: MigrateOptions,
    total: number,
  ): Promise<void> {
    const bar = new ProgressBar(progress, () => performance.now());
    const results: MigratedConnection[] = [];
    bar.show(0, total, `${provider}: 0 of ${total} connections`);
    const finished = await migrations
      .run(provider, { perSecond, limit, repeatUnanswered }, (result) => {
        results.push(result);
        bar.show(results.length, total, `${provider}: ${results.length} of ${total} connections`);
      })
      .finally(() => bar.end());
    print(resultsTable(results));
    const open = results.filter(({ outcome }) => unfinished.includes(outcome));
    if (open.length > 0) {
      print(`\n${openTable(open)}`);
    }
    if (!finished) {
      print('\nGave up before the last connection: the maker stays away, or refuses one after the other.');
    }
    if (!finished || open.length > 0) {
      process.exitCode = 1;
    }
  }
}

function resultsTable(results: readonly MigratedConnection[]): string {
  const rows = Object.entries(meanings).map(([outcome, meaning]) => [
    outcome,
    String(results.filter((result) => result.outcome === outcome).length),
    meaning,
  ]);
  return textTable([['OUTCOME', 'NUMBER', 'MEANING'], ...rows]);
}

function openTable(open: readonly MigratedConnection[]): string {
  const rows = open
    .slice(0, mostListed)
    .map(({ connectionId, outcome, code }) => [connectionId ?? '-', outcome, code ?? '-']);
  const more = open.length > mostListed ? `\n... and ${open.length - mostListed} more` : '';
  return `${textTable([['CONNECTION', 'OUTCOME', 'ERROR'], ...rows])}${more}`;
}

function parsePositive(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0) {
    throw new InvalidArgumentError('a number above 0.');
  }
  return value;
}
