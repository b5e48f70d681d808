import type { INestApplicationContext } from '@nestjs/common';
import type { Command } from 'commander';
import { AuditVerifier, type AuditCount } from '../audit/audit-verifier.js';

/** Adds the command that looks whether the audit trail is as it was written. */
export function addAuditCommands(
  program: Command,
  withService: (command: (app: INestApplicationContext) => Promise<void>) => Promise<void>,
  print: (text: string) => void,
): void {
  program
    .command('audit')
    .description('the audit trail')
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
}
