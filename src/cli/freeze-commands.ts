import { InvalidArgumentError, Option, type Command } from 'commander';
import { ConnectionFreezer } from '../tokens/freeze/connection-freezer.js';
import type { FreezeScope } from '../tokens/freeze/freeze-store.js';
import type { ConnectionCommandContext } from './connection-context.js';
import { exitCodes } from './output.js';
import { ProgressBar } from './progress-bar.js';

const requester = { actor: 'cli' };

interface ScopeFlags {
  readonly provider?: string;
  readonly user?: string;
}

/** Adds `connections freeze` and `thaw`; `docs/moving.md` says when to use them. */
export function addFreezeCommands(
  connections: Command,
  { withConnections, print, progress }: ConnectionCommandContext,
): void {
  addScope(connections.command('freeze'))
    .description('stop the refreshes of a provider or a user, so that another system can use the tokens')
    .option('--wait <seconds>', 'how long to wait for refreshes in flight', parseSeconds, 180)
    .action((flags: ScopeFlags & { readonly wait: number }) =>
      withConnections(async (app) => {
        const scope = readScope(flags);
        const bar = new ProgressBar(progress, () => performance.now());
        const { frozen, inFlight, inDoubt } = await app
          .get(ConnectionFreezer, { strict: false })
          .freeze(scope, requester, flags.wait * 1_000, (changed) => bar.show(0, 1, `${changed} connections frozen`))
          .finally(() => bar.end());
        const isDone = inFlight === 0;
        const text = [
          `${frozen} connections are frozen. ${isDone ? 'No refresh is in flight.' : `${inFlight} refreshes are still in flight: run the command again.`}`,
          ...(inDoubt === 0
            ? []
            : [
                `${inDoubt} of them are in doubt: the response to their last refresh was lost. An export leaves them out. Thaw, wait ` +
                  'until the scheduler has refreshed them, and freeze again.',
              ]),
        ];
        print(text.join('\n'), { frozen, inFlight, inDoubt });
        if (!isDone || inDoubt > 0) {
          process.exitCode = exitCodes.finding;
        }
      }),
    );

  addScope(connections.command('thaw'))
    .description('let connections be refreshed again')
    .option('--even-exported', 'also exported connections: no other system may use their tokens any longer', false)
    .action((flags: ScopeFlags & { readonly evenExported: boolean }) =>
      withConnections(async (app) => {
        const { thawed, kept } = await app
          .get(ConnectionFreezer, { strict: false })
          .thaw(readScope(flags), requester, flags.evenExported);
        const text = `${thawed} connections are thawed.`;
        const warning = `${kept} connections stay frozen, because their tokens were exported. Import them back, or use --even-exported.`;
        print(kept === 0 ? text : `${text}\n${warning}`, { thawed, kept });
        if (kept > 0) {
          process.exitCode = exitCodes.finding;
        }
      }),
    );
}

/** Adds the options that choose connections. */
export function addScope(command: Command): Command {
  return command
    .addOption(new Option('--provider <slug>', 'the connections of this provider'))
    .addOption(new Option('--user <user-id>', 'the connections of this user'));
}

/** @throws InvalidArgumentError when neither option is set */
export function readScope({ provider, user }: ScopeFlags): FreezeScope {
  if (provider === undefined && user === undefined) {
    throw new InvalidArgumentError('Set --provider or --user, or both.');
  }
  return { provider, userId: user };
}

function parseSeconds(text: string): number {
  if (!/^\d{1,6}$/.test(text)) {
    throw new InvalidArgumentError('a number of seconds.');
  }
  return Number(text);
}
