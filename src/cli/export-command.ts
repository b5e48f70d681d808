import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { ExportRun, type WrittenExport } from '../moving/export-run.js';
import type { LeftOut } from '../tokens/freeze/connection-exporter.js';
import { RecipientSeal } from '../vault/recipient-envelope.js';
import type { ConnectionCommandContext } from './connection-context.js';
import { addScope, readScope } from './freeze-commands.js';
import { exitCodes } from './output.js';
import { ProgressBar } from './progress-bar.js';
import { textTable } from './text-table.js';

/** More connections than this are only counted. */
const mostListed = 100;

const reasons: Readonly<Record<LeftOut, string>> = {
  in_doubt: 'the response to its last refresh was lost; thaw, wait for a refresh, and freeze again',
  unreadable: 'its tokens do not open with the keys of this deployment',
  changed: 'it was linked again or thawed in the meantime',
};

interface ExportFlags {
  readonly provider?: string;
  readonly user?: string;
  readonly toPublicKey: string;
  readonly copy: boolean;
}

/** Adds `connections export`; `docs/moving.md` describes the file. */
export function addExportCommand(
  connections: Command,
  { withConnections, print, progress }: ConnectionCommandContext,
): void {
  addScope(connections.command('export'))
    .argument('<file>', 'the file to write; it must not exist')
    .description('seal the tokens of frozen connections for another deployment')
    .requiredOption('--to-public-key <file>', "the other deployment's public key in PEM: RSA, EC or X25519")
    .option('--copy', 'make a copy: nothing must be frozen, and this deployment keeps spending the tokens', false)
    .action((file: string, flags: ExportFlags) =>
      withConnections(async (app) => {
        const seal = RecipientSeal.fromPem(await readFile(flags.toPublicKey, 'utf8'));
        const terms = { ...readScope(flags), isCopy: flags.copy };
        const bar = new ProgressBar(progress, () => performance.now());
        const written = await app
          .get(ExportRun, { strict: false })
          .write(file, seal, terms, { actor: 'cli' }, (done, total) =>
            bar.show(done, total, `${done} of ${total} connections`),
          )
          .finally(() => bar.end());
        print(describe(written, flags.copy), { ...written, copy: flags.copy });
        if (written.leftOut.length > 0) {
          process.exitCode = exitCodes.finding;
        }
      }),
    );
}

function describe({ exported, ended, leftOut, sha256 }: WrittenExport, isCopy: boolean): string {
  const rows = leftOut.slice(0, mostListed).map(({ id, provider, why }) => [id, provider, reasons[why]]);
  return [
    `${exported} connections are exported. SHA-256 of the file: ${sha256}`,
    ...(ended > 0 ? [`${ended} ended connections are left out: their users must link again.`] : []),
    ...(isCopy ? ['This is a copy. Each refresh here may make tokens in it worthless.'] : []),
    ...(rows.length > 0 ? [textTable([['LEFT OUT', 'PROVIDER', 'WHY'], ...rows])] : []),
    ...(leftOut.length > mostListed ? [`... and ${leftOut.length - mostListed} more`] : []),
  ].join('\n');
}
