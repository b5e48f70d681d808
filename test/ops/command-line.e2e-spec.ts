import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { checkout, removeDirectory, startProcess } from '../support/service-process.js';
import { createMigratedDatabase } from '../support/test-database.js';

/** Prints which modules of the service the process has loaded, when it ends. */
const listLoaded = `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
  process.on('exit', () => process.stderr.write(loaded.filter((url) => url.includes('/dist/')).join('\\n')));
`;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cufflink-command-line-'));
});
afterAll(() => removeDirectory(directory));

async function run(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const hook = `data:text/javascript,${encodeURIComponent(listLoaded)}`;
  const command = startProcess(['--import', hook, join(checkout, 'dist/cli/main.js'), ...args], directory, environment);
  const { status } = await command.ended();
  return { status, stdout: command.stdout(), stderr: command.stderr() };
}

describe('the command line', () => {
  it.each([[['--help']], [['help']]])('shows every command for %j, and loads none of them', async (args) => {
    const { status, stdout, stderr } = await run(args);
    expect(status).toBe(0);
    for (const name of ['api-keys', 'audit', 'connections', 'doctor', 'keys', 'migrate', 'webhooks']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    }
    expect(stderr).toContain('/dist/cli/program.js');
    expect(stderr).not.toContain('-commands.js');
  });

  it.each([[['keys', '--help']], [['help', 'keys']]])('shows the commands about keys for %j', async (args) => {
    const { status, stdout, stderr } = await run(args);
    expect(status).toBe(0);
    expect(stdout).toContain('Usage: cufflink keys');
    expect(stdout).toContain('make a pending key the active one');
    expect(stderr).not.toContain('/dist/providers/');
  });

  it('loads no provider, sandbox or page to verify the audit trail', async () => {
    const databaseUrl = await createMigratedDatabase();
    const environment = { DATABASE_URL: databaseUrl, ENCRYPTION_ROOT_KEY: randomBytes(32).toString('base64') };
    const { status, stderr } = await run(['audit', 'verify'], environment);
    expect(status).not.toBeNull();
    expect(stderr).toContain('/dist/audit/audit-verifier.js');
    expect(stderr).not.toMatch(/\/dist\/(providers|sandbox|web|links|connect-page)\//);
  });

  it.each([
    [['nothing'], "unknown command 'nothing'"],
    [['keys', 'nothing'], "unknown command 'nothing'"],
    [['doctor', '--nothing'], "unknown option '--nothing'"],
  ])('ends with status 2 for %j, and says why', async (args, sentence) => {
    const { status, stdout, stderr } = await run(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(sentence);
  });
});
