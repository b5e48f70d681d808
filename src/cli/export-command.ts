import { createHash } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { SealedLines } from '../moving/sealed-file.js';
import { ConnectionExporter, type LeftOut } from '../tokens/freeze/connection-exporter.js';
import { RecipientSeal } from '../vault/recipient-envelope.js';
import type { ConnectionCommandContext } from './connection-context.js';
import { addScope, readScope } from './freeze-commands.js';
import { exitCodes } from './output.js';
import { ProgressBar } from './progress-bar.js';
import { textTable } from './text-table.js';

/** More connections than this are counted only. */
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
    .option('--copy', 'a copy: nothing need be frozen, and this deployment keeps spending the tokens', false)
    .action((file: string, flags: ExportFlags) =>
      withConnections(async (app) => {
        const seal = RecipientSeal.fromPem(await readFile(flags.toPublicKey, 'utf8'));
        const scope = readScope(flags);
        const exporter = app.get(ConnectionExporter, { strict: false });
        const { active, notFrozen, inFlight, ended } = await exporter.count(scope);
        if (!flags.copy && (notFrozen > 0 || inFlight > 0)) {
          throw new Error(
            `${notFrozen} connections are not frozen, and ${inFlight} refreshes are in flight. Run connections freeze first, ` +
              'so that no two systems spend the same tokens.',
          );
        }
        const bar = new ProgressBar(progress, () => performance.now());
        const lines = new SealedLines(seal);
        const hash = createHash('sha256');
        const leftOut: { readonly id: string; readonly provider: string; readonly why: LeftOut }[] = [];
        let exported = 0;
        const output = await open(file, 'wx', 0o600);
        try {
          const write = async (line: string): Promise<void> => {
            hash.update(line);
            await output.write(line);
          };
          const pages = exporter.export({ ...scope, isCopy: flags.copy }, { actor: 'cli' }, ({ id, provider }, why) =>
            leftOut.push({ id, provider, why }),
          );
          for await (const page of pages) {
            await write(await lines.page(page));
            exported += page.length;
            bar.show(exported, active, `${exported} of ${active} connections`);
          }
          await write(await lines.end());
          await output.sync();
        } catch (error) {
          await rm(file, { force: true });
          throw error;
        } finally {
          bar.end();
          await output.close();
        }
        const sha256 = hash.digest('hex');
        const rows = leftOut.slice(0, mostListed).map(({ id, provider, why }) => [id, provider, reasons[why]]);
        print(
          [
            `${exported} connections are exported. SHA-256 of the file: ${sha256}`,
            ...(ended > 0 ? [`${ended} ended connections are left out: their users must link again.`] : []),
            ...(flags.copy ? ['This is a copy. Each refresh here may make tokens in it worthless.'] : []),
            ...(rows.length > 0 ? [textTable([['LEFT OUT', 'PROVIDER', 'WHY'], ...rows])] : []),
            ...(leftOut.length > mostListed ? [`... and ${leftOut.length - mostListed} more`] : []),
          ].join('\n'),
          { exported, ended, sha256, copy: flags.copy, leftOut },
        );
        if (leftOut.length > 0) {
          process.exitCode = exitCodes.finding;
        }
      }),
    );
}
