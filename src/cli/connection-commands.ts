import { InvalidArgumentError, type Command } from 'commander';
import type { MigratedConnection, MigrationOutcome } from '../tokens/migration/connection-migrator.js';
import { MigrationRun } from '../tokens/migration/migration-run.js';
import type { ConnectionCommandContext } from './connection-context.js';
import { addExportCommand } from './export-command.js';
import { addFleetCommands } from './fleet-commands.js';
import { addFreezeCommands } from './freeze-commands.js';
import { addImportCommand } from './import-command.js';
import { exitCodes } from './output.js';
import { ProgressBar } from './progress-bar.js';
import { textTable } from './text-table.js';

interface MigrateOptions {
  readonly dryRun: boolean;
  readonly limit?: number;
  readonly rate: number;
  readonly repeatUnanswered: boolean;
}

/** The meaning of each outcome, in the order of the table. */
const meanings: Readonly<Record<MigrationOutcome, string>> = {
  migrated: 'the connection was replaced by one of the successor',
  already_linked: 'the user had already linked the successor; the old connection was removed',
  passed_by: 'skipped: another run is migrating it, or the user has unlinked it or linked it again',
  in_doubt: 'an exchange was sent (or the refresh after it), and its response was lost; see --repeat-unanswered',
  conflict: 'the user has a connection to the successor that has ended or is of another account',
  other_account: 'the new grant belongs to another account and is not used',
  failed: 'the old connection stays, and an exchanged grant is kept; run the command again',
};

/** Outcomes that need an operator, or another run of the command. */
const unfinished: readonly MigrationOutcome[] = ['in_doubt', 'conflict', 'other_account', 'failed'];

/** More connections than this are only counted: a list of thousands helps nobody. */
const mostListed = 100;

/** Adds the commands for connections; `docs/migrating-garmin.md` describes a migration. */
export function addConnectionCommands(connections: Command, context: ConnectionCommandContext): void {
  const { withConnections, print, progress } = context;
  addFleetCommands(connections, context);
  addImportCommand(connections, context);
  addFreezeCommands(connections, context);
  addExportCommand(connections, context);

  connections
    .command('migrate')
    .argument('<provider>', 'the provider to migrate from, such as garmin-oauth1')
    .description('exchange the grants of a provider for grants of its successor; safe to run again')
    .option('--dry-run', 'only count the connections', false)
    .option('--limit <connections>', 'limit for this run; all if absent', parsePositive)
    .option('--rate <connections>', 'limit per second', parsePositive, 5)
    .option('--repeat-unanswered', 'repeat exchanges with a lost response', false)
    .action((provider: string, options: MigrateOptions) =>
      withConnections(async (app) => {
        const migrations = app.get(MigrationRun);
        const { ready, inDoubt, exchanged, alreadyLinked } = await migrations.count(provider);
        if (options.dryRun) {
          const rows = [
            ['not exchanged yet', String(ready)],
            ['exchanged, not finished', String(exchanged)],
            ['already linked with the successor by the user', String(alreadyLinked)],
            ['in doubt', String(inDoubt)],
          ];
          print(textTable([['CONNECTIONS', 'NUMBER'], ...rows]), { ready, exchanged, alreadyLinked, inDoubt });
          return;
        }
        const total = Math.min(options.limit ?? Infinity, ready + inDoubt + exchanged + alreadyLinked);
        await migrate(migrations, provider, options, total);
      }),
    );

  async function migrate(
    migrations: MigrationRun,
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
    const open = results.filter(({ outcome }) => unfinished.includes(outcome));
    const stopped =
      'Stopped early: the provider is unavailable, or rejects one exchange after another. Run the command again later.';
    const parts = [
      resultsTable(results),
      ...(open.length > 0 ? [openTable(open)] : []),
      ...(finished ? [] : [stopped]),
    ];
    print(parts.join('\n\n'), {
      finished,
      outcomes: Object.keys(meanings).map((outcome) => ({ outcome, connections: countOf(results, outcome) })),
      open: open.map(({ connectionId, outcome, code }) => ({ connectionId, outcome, code })),
    });
    if (!finished || open.length > 0) {
      process.exitCode = exitCodes.finding;
    }
  }
}

function countOf(results: readonly MigratedConnection[], outcome: string): number {
  return results.filter((result) => result.outcome === outcome).length;
}

function resultsTable(results: readonly MigratedConnection[]): string {
  const rows = Object.entries(meanings).map(([outcome, meaning]) => [
    outcome,
    String(countOf(results, outcome)),
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
