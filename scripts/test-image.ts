/**
 * Tests the image without a container. Follows the steps of the Dockerfile in an empty folder, makes the tree
 * read-only, and runs the commands of the image in it as another user. Prints a table of figures.
 *
 * Usage: as root, after a build: npm run test:image
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

// Built by `npm run build`, which the script of package.json runs first.
const { startEmbeddedPostgres } = (await import(
  String(new URL('../dist/development/embedded-postgres.js', import.meta.url))
)) as typeof import('../src/development/embedded-postgres.ts');

const root = join(import.meta.dirname, '..');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
/** Of `nobody`: it owns nothing in the tree. */
const account = { uid: 65_534, gid: 65_534 };
const megabyte = 1_000_000;

const command = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '') as string[];
const [install = '', prune = ''] = [...dockerfile.matchAll(/&& ((?:npm ci --omit|find ).*)$/gm)].map((match) =>
  String(match[1]).replace(/ \\$/, ''),
);

const folder = mkdtempSync(join(tmpdir(), 'cufflink-image-'));
const app = join(folder, 'app');
const journal = join(folder, 'journal');

function makeTree(): void {
  mkdirSync(app);
  for (const name of ['package.json', 'package-lock.json', '.npmrc', 'LICENSE', '.env.example', 'bin', 'dist']) {
    cpSync(join(root, name), join(app, name), { recursive: true });
  }
  execFileSync('sh', ['-c', `${install} && ${prune}`], { cwd: app, stdio: ['ignore', 'ignore', 'inherit'] });
  for (const name of ['package-lock.json', '.npmrc']) {
    rmSync(join(app, name));
  }
  execFileSync('chmod', ['-R', 'a-w,a+rX', app]);
  chmodSync(folder, 0o755);
  mkdirSync(journal);
  execFileSync('chown', [`${account.uid}:${account.gid}`, journal]);
}

/** The bytes of all files. */
function sizeOf(path: string): number {
  return Number(execFileSync('du', ['-sb', path], { encoding: 'utf8' }).split('\t')[0]);
}

function run(words: readonly string[], environment: Record<string, string>) {
  const [, ...args] = words;
  return spawn(process.execPath, args, {
    cwd: app,
    env: { NODE_ENV: 'production', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    ...account,
  });
}

async function statusOf(url: string): Promise<number> {
  return fetch(url).then(
    ({ status }) => status,
    () => 0,
  );
}

async function main(): Promise<void> {
  makeTree();
  const postgres = await startEmbeddedPostgres({ directory: join(folder, 'postgres') });
  try {
    const environment = {
      DATABASE_URL: postgres.url,
      PUBLIC_URL: 'https://link.example.com',
      RETURN_URLS: 'https://app.example.com/devices',
      ENCRYPTION_ROOT_KEY: randomBytes(32).toString('base64'),
      REFRESH_JOURNAL_DIRECTORY: journal,
      HOST: '127.0.0.1',
      PORT: '4390',
    };
    const migration = run(['node', 'bin/cufflink.js', 'migrate', '--json'], environment);
    const [migrated] = (await once(migration, 'exit')) as [number];

    const startedAtMs = performance.now();
    const service = run(command, environment);
    service.stdout.resume();
    while ((await statusOf('http://127.0.0.1:4390/health/ready')) !== 200 && service.exitCode === null) {
      await sleep(20);
    }
    const readyAfterMs = performance.now() - startedAtMs;
    const isReadOnly = spawnSync('touch', [join(app, 'probe')], account).status !== 0;
    const stoppedAtMs = performance.now();
    service.kill('SIGTERM');
    await once(service, 'exit');
    const figures = [
      ['migrations', `status ${migrated}`],
      ['files of the image without Node and the system', `${Math.round(sizeOf(app) / megabyte)} MB`],
      ['the same with Node', `${Math.round((sizeOf(app) + sizeOf(process.execPath)) / megabyte)} MB`],
      ['tree cannot be written by the service', String(isReadOnly)],
      ['start to ready', `${Math.round(readyAfterMs)} ms`],
      ['SIGTERM to the end, DRAIN_SECONDS=5', `${Math.round(performance.now() - stoppedAtMs)} ms`],
      ['how it ended', service.signalCode ?? `status ${service.exitCode}`],
    ];
    process.stdout.write(`${figures.map(([name, value]) => `| ${name} | ${value} |`).join('\n')}\n`);
    process.exitCode = migrated === 0 && isReadOnly && service.signalCode === 'SIGTERM' ? 0 : 1;
  } finally {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
