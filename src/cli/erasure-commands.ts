import type { INestApplicationContext } from '@nestjs/common';
import type { Command } from 'commander';
import { UserErasureService } from '../users/user-erasure.service.js';
import { usersConfig, type UsersConfig } from '../users/users.config.js';
import type { Print } from './output.js';

/** Adds the commands that keep erased users erased. */
export function addErasureCommands(
  erasures: Command,
  withService: (command: (app: INestApplicationContext) => Promise<void>) => Promise<void>,
  print: Print,
): void {
  erasures
    .command('replay')
    .description('after a restore, repeat the erasures since the backup')
    .option('--file <file>', 'the erasure log; ERASURE_LOG_FILE if absent')
    .action((options: { file?: string }) =>
      withService(async (app) => {
        const count = await app.get(UserErasureService).replay(options.file);
        const logRead = options.file ?? app.get<UsersConfig>(usersConfig.KEY, { strict: false }).erasureLogFile;
        const warning =
          'No erasure log was read, only the erasures in this database. After a restore, name the log with --file.\n';
        const result = count === 1 ? '1 user was erased again.' : `${count} users were erased again.`;
        print(`${logRead === undefined ? warning : ''}${result}`, { erased: count, log: logRead ?? null });
      }),
    );
}
