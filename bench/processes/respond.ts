import type { Reply } from '../child.ts';

/** Does what the parent process asks for, one command after the other, and ends with it. */
export function respond<Command extends object>(handle: (command: Command) => Promise<unknown>): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (message: Command & { id: number }) => {
    handle(message).then(
      (result) => reply({ id: message.id, result }),
      (error: unknown) =>
        reply({ id: message.id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
}

function reply(message: Reply): void {
  process.send?.(message);
}
