import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { INestApplicationContext } from '@nestjs/common';
import { InvalidArgumentError, type Command } from 'commander';
import { parseHead, type SignedHead } from '../audit/audit-head.js';
import { AuditPruner } from '../audit/audit-pruner.js';
import { AuditVerifier, type AuditCount, type AuditFinding } from '../audit/audit-verifier.js';
import { RowVerifier } from '../audit/row-verifier.js';
import { exitCodes, type Print } from './output.js';

/** Adds the commands that verify the audit trail, and remove old entries from it. */
export function addAuditCommands(
  audit: Command,
  withService: (command: (app: INestApplicationContext) => Promise<void>) => Promise<void>,
  print: Print,
): void {
  audit
    .command('verify')
    .description('check whether entries were changed, removed or added; exit status 1 if so, 2 if it could not check')
    .option('--heads <file>', 'also compare with the audit heads in a log file of the service')
    .option('--rows', 'also check connections and API keys for older rows that were put back')
    .action(async ({ heads: file, rows }: { heads?: string; rows?: boolean }) => {
      const heads = file === undefined ? [] : await readHeads(file);
      await withService(async (app) => {
        const count: AuditCount = { writers: 0, entries: 0 };
        const findings: string[] = [];
        for await (const finding of app.get(AuditVerifier).verify(count)) {
          findings.push(sentenceOf(finding));
        }
        for await (const finding of app.get(AuditVerifier).verifyHeads(heads)) {
          findings.push(sentenceOf(finding));
        }
        if (rows === true) {
          for await (const { place, problem } of app.get(RowVerifier).verify()) {
            findings.push(`${place} ${problem}`);
          }
        }
        print(reportOf(count, findings), { ...count, findings });
        process.exitCode = findings.length === 0 ? exitCodes.success : exitCodes.finding;
      });
    });

  audit
    .command('prune')
    .description('permanently remove entries older than a date; see docs/audit.md')
    .requiredOption('--before <date>', 'such as 2026-01-31; entries of that day are kept', parsePastDate)
    .action(({ before }: { before: Date }) =>
      withService(async (app) => {
        const removed = await app.get(AuditPruner).prune(before);
        print(`${removed} entries from before ${before.toISOString()} were removed.`, { removed, before });
      }),
    );
}

function reportOf({ entries, writers }: AuditCount, findings: readonly string[]): string {
  const checked = `${entries} entries of ${writers} writers were checked`;
  const count = findings.length === 1 ? '1 finding' : `${findings.length} findings`;
  const verdict = findings.length === 0 ? `${checked}; none was changed.` : `${checked}; ${count}.`;
  return [...findings.map((finding) => `${finding}.`), verdict].join('\n');
}

function sentenceOf({ writer, sequence, problem }: AuditFinding): string {
  const place = writer === undefined ? '' : `Writer ${writer}${sequence === undefined ? '' : `, entry ${sequence}`} `;
  return `${place}${problem}`;
}

/**
 * Reads the furthest head of each writer from a log.
 *
 * @throws Error when the file cannot be read, or has no head to compare with
 */
async function readHeads(file: string): Promise<SignedHead[]> {
  const heads = new Map<number, SignedHead>();
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const head = parseHead(line);
    if (head !== undefined && head.sequence > (heads.get(head.writer)?.sequence ?? 0)) {
      heads.set(head.writer, head);
    }
  }
  if (heads.size === 0) {
    throw new Error(
      `${file} contains no audit head. The service logs audit heads at the level "info" (docs/audit.md).`,
    );
  }
  return [...heads.values()].sort((left, right) => left.writer - right.writer);
}

function parsePastDate(text: string): Date {
  const date = new Date(`${text}T00:00:00Z`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(date.getTime()) || date.getTime() > Date.now()) {
    throw new InvalidArgumentError('a past date as YYYY-MM-DD (UTC).');
  }
  return date;
}
