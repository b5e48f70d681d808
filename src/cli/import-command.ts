import { createWriteStream, type WriteStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { ImportRun, type ImportCounts, type RefusedRow } from '../moving/import-run.js';
import { readRows } from '../moving/row-source.js';
import { DryRun } from '../tokens/import/dry-run.js';
import { importRefusals } from '../tokens/import/imported-grant.js';
import { RecipientOpener } from '../vault/recipient-envelope.js';
import type { ConnectionCommandContext } from './connection-context.js';
import { exitCodes } from './output.js';
import { ProgressBar } from './progress-bar.js';
import { textTable } from './text-table.js';

/** More refused rows than this are only counted; a file gets them all. */
const mostListed = 100;

interface ImportFlags {
  readonly format: 'plain' | 'nango';
  readonly dryRun: boolean;
  readonly replace: boolean;
  readonly verify: boolean;
  readonly rate: number;
  readonly map?: ReadonlyMap<string, string>;
  readonly privateKey?: string;
  readonly refused?: string;
}

const warningTexts: Readonly<Record<keyof ImportCounts['warnings'], string>> = {
  scopes_unknown: 'the row does not tell the granted scopes; the next refresh may',
  scopes_missing: 'scopes of the settings were not granted',
  account_unknown: 'the row does not name the account; the provider is asked later',
  no_refresh_token: 'the connection ends when its access token expires',
  not_verified: 'the access token has expired, or the provider did not say whether it works',
};

/** Adds `connections import`; `docs/moving.md` describes a move. */
export function addImportCommand(connections: Command, context: ConnectionCommandContext): void {
  connections
    .command('import')
    .argument('<file>', 'JSON Lines; CSV if its name ends with .csv; a sealed export with --private-key')
    .description('import tokens that another system obtained; safe to run again, also after a kill')
    .option(
      '--format <format>',
      'plain: the documented columns; nango: connections as its API returns them',
      parseFormat,
      'plain',
    )
    .option('--map <list>', 'for nango: integration=provider pairs, separated by commas', parseMap)
    .option('--private-key <file>', 'opens an export of another deployment: a private key in PEM')
    .option('--dry-run', 'only check the rows; nothing is stored', false)
    .option('--replace', 'replace the tokens of users who are connected already', false)
    .option('--verify', "ask the provider's account endpoint whether each access token works", false)
    .option('--rate <calls>', 'for --verify: limit per second', parseRate, 20)
    .option('--refused <file>', 'write every refused row here: line, user and reason, as JSON Lines')
    .action((file: string, flags: ImportFlags) =>
      context.withConnections(async (app) => {
        await importFile(app.get(ImportRun, { strict: false }), file, flags, context);
      }),
    );
}

async function importFile(
  imports: ImportRun,
  file: string,
  flags: ImportFlags,
  { print, progress }: ConnectionCommandContext,
): Promise<void> {
  const { privateKey, format, map = new Map<string, string>() } = flags;
  const opener = privateKey === undefined ? undefined : RecipientOpener.fromPem(await readFile(privateKey, 'utf8'));
  const { size } = await stat(file);
  const listed: RefusedRow[] = [];
  const output = flags.refused === undefined ? undefined : createWriteStream(flags.refused, { mode: 0o600 });
  const bar = new ProgressBar(progress, () => performance.now());
  const report = (counts: ImportCounts): void =>
    bar.show(counts.bytes, size, `${counts.imported + counts.alreadyImported} imported, ${counts.refused} refused`);
  const options = {
    replace: flags.replace,
    dryRun: flags.dryRun ? new DryRun() : undefined,
    verifyPerSecond: flags.verify ? flags.rate : undefined,
  };
  try {
    const rows = readRows(file, { format, slugs: map, opener });
    const counts = await imports.run(rows, options, { actor: 'cli' }, report, (row) => {
      if (listed.length < mostListed) {
        listed.push(row);
      }
      output?.write(
        `${JSON.stringify({ line: row.number, user_id: row.userId ?? null, reason: row.reason, objection: row.objection })}\n`,
      );
    });
    bar.end();
    printCounts(counts, listed, flags, print);
  } finally {
    bar.end();
    await close(output);
  }
}

function printCounts(
  counts: ImportCounts,
  listed: readonly RefusedRow[],
  { dryRun }: ImportFlags,
  print: ConnectionCommandContext['print'],
): void {
  const { imported, alreadyImported, refused, warnings } = counts;
  const summary = [
    [dryRun ? 'could be imported' : 'imported', String(imported), ''],
    ['imported by an earlier run', String(alreadyImported), ''],
    ['refused', String(refused), ''],
    ...Object.entries(warningTexts)
      .map(([name, text]) => [name, warnings[name as keyof typeof warnings], text] as const)
      .filter(([, count]) => count > 0)
      .map(([name, count, text]) => [`of these, ${name}`, String(count), text]),
  ];
  const rows = listed.map(({ number, userId, reason, objection }) => [
    String(number),
    userId ?? '-',
    reason,
    objection ?? importRefusals[reason],
  ]);
  const more =
    refused > listed.length ? `\n... and ${refused - listed.length} more; --refused <file> gets them all` : '';
  const text = [
    textTable([['ROWS', 'NUMBER', ''], ...summary]),
    ...(rows.length === 0 ? [] : [`${textTable([['LINE', 'USER', 'REASON', ''], ...rows])}${more}`]),
  ].join('\n\n');
  print(text, { dryRun, imported, alreadyImported, refused, warnings, refusedRows: listed });
  if (refused > 0) {
    process.exitCode = exitCodes.finding;
  }
}

async function close(output: WriteStream | undefined): Promise<void> {
  if (output !== undefined) {
    output.end();
    await finished(output);
  }
}

function parseFormat(text: string): string {
  if (text !== 'plain' && text !== 'nango') {
    throw new InvalidArgumentError('plain or nango.');
  }
  return text;
}

function parseMap(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(',').map((pair) => /^([^=]+)=([a-z0-9-]+)$/.exec(pair.trim()));
  return new Map(
    pairs.map((pair) => {
      const [, integration, slug] = pair ?? [];
      if (integration === undefined || slug === undefined) {
        throw new InvalidArgumentError('pairs such as "whoop-production=whoop", separated by commas.');
      }
      return [integration, slug];
    }),
  );
}

function parseRate(text: string): number {
  const rate = Number(text);
  if (!(rate > 0)) {
    throw new InvalidArgumentError('a number above 0.');
  }
  return rate;
}
