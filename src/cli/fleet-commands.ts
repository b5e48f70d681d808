import type { INestApplicationContext } from '@nestjs/common';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { toConnectionResponse } from '../connections/connection-response.js';
import type { ConnectionResponse } from '../connections/connections.dto.js';
import { errorActors } from '../errors/error-code.js';
import type { FleetFilter } from '../fleet/fleet-statements.js';
import { FleetStore, type FleetPlace } from '../fleet/fleet-store.js';
import { stateReasons } from '../tokens/policy/connection-state.js';
import { ConnectionEraser } from '../tokens/connection-eraser.js';
import type { Connection } from '../tokens/store/connection.js';
import { TokensService } from '../tokens/tokens.service.js';
import { exitCodes, type Print } from './output.js';
import { textTable } from './text-table.js';

const requester = { actor: 'cli' };
/** Connections on a page of the store. */
const pageSize = 1_000;

interface ListOptions extends FleetFilter {
  readonly limit: number;
}

/** Adds the commands that show connections and change one. */
export function addFleetCommands(
  connections: Command,
  {
    withConnections,
    print,
  }: {
    readonly withConnections: (command: (app: INestApplicationContext) => Promise<void>) => Promise<void>;
    readonly print: Print;
  },
): void {
  connections
    .command('list')
    .description('list connections of all users, ordered by user and provider')
    .option('--provider <slug>', 'only this provider')
    .addOption(new Option('--status <status>', 'only this state').choices(['active', 'needs_relink']))
    .addOption(new Option('--reason <reason>', 'only this reason; see docs/errors.md').choices(stateReasons))
    .addOption(new Option('--error <code>', 'only this code of the last error').choices(Object.keys(errorActors)))
    .option('--updated-after <instant>', 'only those linked, refreshed, failed or ended after it', parseInstant)
    .option('--limit <connections>', 'most connections', parseCount, 100)
    .action(({ limit, ...filter }: ListOptions) =>
      withConnections(async (app) => {
        const { found, isComplete } = await readAll(app.get(FleetStore, { strict: false }), filter, limit);
        const listed = found.map((connection) => describe(app, connection));
        const more = isComplete ? '' : '\n... and more: raise --limit';
        print(`${listTable(listed)}${more}`, { connections: listed, complete: isComplete });
      }),
    );

  ofOne('show', 'show a connection; exit status 1 if the user must link again', async (app, user, provider) => {
    show(describe(app, await app.get(TokensService, { strict: false }).get(user, provider)));
  });

  ofOne('refresh', 'refresh the tokens of a connection now', async (app, user, provider) => {
    show(describe(app, await app.get(TokensService, { strict: false }).refreshNow(user, provider)));
  });

  ofOne('unlink', 'erase a connection and revoke its grant at the provider', async (app, user, provider) => {
    const outcome = await app.get(ConnectionEraser, { strict: false }).disconnect(user, provider, requester);
    print(`Unlinked. At the provider: ${outcome}.`, { disconnected: true, providerRevocation: outcome });
  });

  function ofOne(
    name: string,
    description: string,
    run: (app: INestApplicationContext, user: string, provider: string) => Promise<void>,
  ): void {
    connections
      .command(name)
      .argument('<user>', 'your own id of the user')
      .argument('<provider>', 'slug of the provider')
      .description(description)
      .action((user: string, provider: string) => withConnections((app) => run(app, user, provider)));
  }

  function show(connection: ConnectionResponse): void {
    const rows = Object.entries(connection).map(([name, value]) => [name, toCell(value)]);
    print(textTable(rows), connection);
    if (connection.needs_relink) {
      process.exitCode = exitCodes.finding;
    }
  }
}

async function readAll(
  store: FleetStore,
  filter: FleetFilter,
  limit: number,
): Promise<{ found: Connection[]; isComplete: boolean }> {
  const found: Connection[] = [];
  let after: FleetPlace | undefined;
  do {
    const page = await store.list(filter, Math.min(pageSize, limit - found.length), after);
    found.push(...page.connections);
    after = page.next;
  } while (after !== undefined && found.length < limit);
  return { found, isComplete: after === undefined };
}

function describe(app: INestApplicationContext, connection: Connection): ConnectionResponse {
  return toConnectionResponse(connection, app.get(TokensService, { strict: false }));
}

function listTable(connections: readonly ConnectionResponse[]): string {
  const rows = connections.map((each) => [
    each.user_id,
    each.provider,
    each.status,
    each.reason ?? '-',
    each.last_error?.code ?? '-',
    each.last_refreshed_at ?? '-',
  ]);
  return textTable([['USER', 'PROVIDER', 'STATUS', 'REASON', 'LAST ERROR', 'LAST REFRESHED'], ...rows]);
}

function toCell(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function parseInstant(text: string): Date {
  const instant = new Date(text);
  if (Number.isNaN(instant.getTime())) {
    throw new InvalidArgumentError('an RFC 3339 instant, such as 2026-11-28T00:00:00Z.');
  }
  return instant;
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new InvalidArgumentError('a whole number above 0.');
  }
  return Number(text);
}
