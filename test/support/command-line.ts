import { join } from 'node:path';
import { checkout, startProcess, type ServiceProcess } from './service-process.js';

/** The service that a command works for. A started application is one. */
export interface CommandSubject {
  readonly databaseUrl: string;
  readonly rootKey: string;
  readonly sandbox: { readonly url: string };
}

/** The result of a command. */
export interface CommandResult {
  readonly status: number | null;
  readonly output: string;
  /** Output of `--json`. */
  readonly json: Record<string, unknown>;
}

/** Starts `cufflink --json ...` against the database of an application. */
export function startCommandLine(
  { databaseUrl, rootKey, sandbox }: CommandSubject,
  args: readonly string[],
  directory: string,
  environment: Readonly<Record<string, string>> = {},
): ServiceProcess {
  return startProcess([join(checkout, 'dist/cli/main.js'), '--json', ...args], directory, {
    NODE_ENV: 'test',
    DATABASE_URL: databaseUrl,
    ENCRYPTION_ROOT_KEY: rootKey,
    SANDBOX_URL: sandbox.url,
    ...environment,
  });
}

/** Runs a command to its end. */
export async function runCommandLine(...options: Parameters<typeof startCommandLine>): Promise<CommandResult> {
  const command = startCommandLine(...options);
  const { status } = await command.ended();
  const text = command.stdout();
  return {
    status,
    output: command.output(),
    json: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}
