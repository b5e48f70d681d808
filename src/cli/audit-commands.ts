import type { INestApplicationContext } from '@nestjs/common';
import { InvalidArgumentError, type Command } from 'commander';
import { AuditPruner } from '../audit/audit-pruner.js';
import { AuditVerifier, type AuditCount } from '../audit/audit-verifier.js';

/** Adds the commands that look whether the audit trail is as it was written, and remove what is old from it. */
export function addAuditCommands(
  program: Command,
  withService: (command: (app: INestApplicationContext) => Promise<void>) => Promise<void>,
  print: (text: string) => void,
): void {
  const audit = program.command('audit').description('the audit trail');

  audit
    .command('verify')
    .description('look whether an entry was changed, removed or added; exit status 1 when one was')
    .action(() =>
      withService(async (app) => {
        const count: AuditCount = { writers: 0, entries: 0 };
        let findings = 0;
        for await (const { writer, sequence, problem } of app.get(AuditVerifier).verify(count)) {
          print(`Writer ${writer}${sequence === undefined ? '' : `, entry ${sequence}`} ${problem}.`);
          findings += 1;
        }
        const looked = `${count.entries} entries of ${count.writers} writers were checked`;
        print(findings === 0 ? `${looked}; all are as they were written.` : `${looked}; ${findings} findings.`);
        process.exitCode = findings === 0 ? 0 : 1;
      }),
    );

  audit
    .command('prune')
    .description('remove entries from before a day, for good; docs/audit.md says when')
    .requiredOption('--before <date>', 'such as 2026-01-31; the day itself stays', parsePastDate)
    .action(({ before }: { before: Date }) =>
      withService(async (app) => {
        const removed = await app.get(AuditPruner).prune(before);
        print(`${removed} entries from before ${before.toISOString()} were removed.`);
      }),
    );
}

function parsePastDate(text: string): Date {
  const date = new Date(`${text}T00:00:00Z`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(date.getTime()) || date.getTime() > Date.now()) {
    throw new InvalidArgumentError('a day in the past, as YYYY-MM-DD (UTC).');
  }
  return date;
}
