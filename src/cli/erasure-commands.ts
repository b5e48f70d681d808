import type { INestApplicationContext } from '@nestjs/common';
import type { Command } from 'commander';
import { UserErasureService } from '../users/user-erasure.service.js';
import { usersConfig, type UsersConfig } from '../users/users.config.js';

/** Adds the commands that keep erased users erased. */
export function addErasureCommands(
  program: Command,
  withService: (command: (app: INestApplicationContext) => Promise<void>) => Promise<void>,
  print: (text: string) => void,
): void {
  program
    .command('erasures')
    .description('manage erasures of users')
    .command('replay')
    .description('after a restore, erase the users again who were erased since the backup')
    .option('--file <file>', 'the erasure log; ERASURE_LOG_FILE if absent')
    .action((options: { file?: string }) =>
      withService(async (app) => {
        const count = await app.get(UserErasureService).replay(options.file);
        if (
          options.file === undefined &&
          app.get<UsersConfig>(usersConfig.KEY, { strict: false }).erasureLogFile === undefined
        ) {
          print(
            'No erasure log was read, only the erasures in this database. After a restore, name the log with --file.',
          );
        }
        print(count === 1 ? '1 user was erased again.' : `${count} users were erased again.`);
      }),
    );
}
