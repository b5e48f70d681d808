/**
 * Kills the primary of a Patroni pair while two replicas refresh. Measures the time to the first token, and the
 * connections that must be linked again. The provider is strict: a refresh token sent twice ends the grant.
 *
 * Usage: npm run bench:failover [-- --connections 20] [--rounds 3]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { built } from './built.ts';
import { LeaderProxy } from './leader-proxy.ts';
import { findPrograms, PatroniPair } from './patroni-pair.ts';

const { VendorSandbox } = await built<typeof import('../src/sandbox/vendor-sandbox.ts')>('sandbox/vendor-sandbox.js');
const { whoopDefinition } = await built<typeof import('../src/providers/whoop/whoop.definition.ts')>(
  'providers/whoop/whoop.definition.js',
);
const program = join(import.meta.dirname, '../dist/main.js');

/** Less life than this leads to a refresh, so each call does. */
const lifeSeconds = 55;
/** So long that refreshes are under way when the primary ends. */
const latencyMs = 500;
const loadMs = 5_000;
const startLimitMs = 90_000;
/** Longer than REFRESH_IN_DOUBT_HOLD_SECONDS: a refresh whose response was lost is repeated after that. */
const settleMs = 180_000;

interface Round {
  readonly what: string;
  readonly firstTokenMs: number;
  readonly lost: number;
}

/** A process of the service. */
class Service {
  private readonly folder = mkdtempSync(join(tmpdir(), 'cufflink-failover-'));
  private readonly child: ChildProcess;
  private url = '';
  private key = '';

  constructor(environment: Readonly<Record<string, string>>) {
    const { PATH = '', HOME = '' } = process.env;
    this.child = spawn(process.execPath, [program], {
      cwd: this.folder,
      env: { PATH, HOME, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  async ready(): Promise<void> {
    let output = '';
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-20_000)));
    const giveUpAt = performance.now() + startLimitMs;
    while (!output.includes('Cufflink is running')) {
      if (this.child.exitCode !== null || performance.now() > giveUpAt) {
        throw new Error(`The service did not start:\n${output}`);
      }
      await sleep(50);
    }
    const file = readFileSync(join(this.folder, '.cufflink/dev-credentials.json'), 'utf8');
    const { api_url: url, api_key: key } = JSON.parse(file) as { api_url: string; api_key: string };
    [this.url, this.key] = [url.replace('localhost', '127.0.0.1'), key];
  }

  /** Returns status 0 when nothing responds. */
  async call(method: string, path: string): Promise<{ readonly status: number; readonly text: string }> {
    try {
      const response = await fetch(this.url + path, { method, headers: { authorization: `Bearer ${this.key}` } });
      return { status: response.status, text: await response.text() };
    } catch {
      return { status: 0, text: '' };
    }
  }

  async link(user: string): Promise<void> {
    const { text } = await this.call('POST', `${pathOf(user)}/link`);
    const { link_web_url: linkUrl } = JSON.parse(text) as { link_web_url: string };
    const page = await (await fetch(linkUrl)).text();
    const [, action = ''] = /action="([^"]*)"/.exec(page) ?? [];
    const [, request = ''] = /name="request"[^>]*value="([^"]*)"/.exec(page) ?? [];
    const account = String(10_000 + Number(user.replace(/\D/g, '')));
    const body = new URLSearchParams({ request, decision: 'approve', account });
    const { headers } = await fetch(new URL(action, linkUrl), { method: 'POST', body, redirect: 'manual' });
    const callback = new URL(headers.get('location') ?? '');
    const linked = await this.call('GET', callback.pathname + callback.search);
    if (linked.status !== 200) {
      throw new Error(`Linking ${user} ended with ${linked.status}: ${linked.text}`);
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGKILL');
      await once(this.child, 'exit');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function pathOf(user: string): string {
  return `/v1/users/${user}/connections/whoop`;
}

async function runRound(binaries: string, withPatroni: boolean, count: number): Promise<Round> {
  const pair = new PatroniPair();
  const journal = mkdtempSync(join(tmpdir(), 'cufflink-journal-'));
  const services: Service[] = [];
  const sandbox = await VendorSandbox.start({ providers: new Map([['whoop', whoopDefinition.sandbox]]) });
  let proxy: LeaderProxy | undefined;
  try {
    // Patroni's own defaults, but it promotes the standby in place of starting a crashed primary again. The setting has
    // another name before Patroni 3.
    const startTimeout = { primary_start_timeout: 0, master_start_timeout: 0 };
    await pair.start(binaries, { ttl: 30, loop_wait: 10, retry_timeout: 10, ...startTimeout });
    proxy = await LeaderProxy.start(() => pair.findLeader());
    const environment = {
      NODE_ENV: 'development',
      ENVIRONMENT_NAME: 'test',
      LOG_FORMAT: 'json',
      LOG_LEVEL: 'error',
      PORT: '0',
      PUBLIC_URL: 'http://localhost:3000',
      RATE_LIMIT_ADDRESS_PER_MINUTE: '0',
      RATE_LIMIT_USER_PER_MINUTE: '0',
      PROVIDER_SPIKE_MINIMUM: '10000',
      REFRESH_SCHEDULER: 'off',
      SANDBOX_URL: sandbox.url,
      ENCRYPTION_ROOT_KEY: randomBytes(32).toString('base64'),
      REFRESH_JOURNAL_DIRECTORY: journal,
      DATABASE_URL: pair.urlOf(proxy),
    };
    for (let index = 0; index < 2; index += 1) {
      const service = new Service(environment);
      services.push(service);
      await service.ready();
    }
    const fake = sandbox.provider('whoop');
    fake.accessTokenLifetimeSeconds = lifeSeconds;
    const users = Array.from({ length: count }, (_, index) => `user-${index}`);
    await Promise.all(
      services.flatMap((service, at) => users.filter((_, index) => index % 2 === at).map((user) => service.link(user))),
    );
    fake.misbehave({ endpoint: 'refresh', type: 'slow', ms: latencyMs, processed: true }, Infinity);

    let isOver = false;
    let killedAtMs = Infinity;
    let firstTokenMs = Infinity;
    const load = services.flatMap((service) =>
      users.map(async (user) => {
        while (!isOver) {
          const askedAtMs = performance.now();
          const { status } = await service.call('GET', `${pathOf(user)}/token`);
          if (status === 200 && askedAtMs > killedAtMs) {
            firstTokenMs = Math.min(firstTokenMs, performance.now() - killedAtMs);
          }
          await sleep(100);
        }
      }),
    );
    await sleep(loadMs);
    const leader = await pair.findLeader();
    if (leader === undefined) {
      throw new Error('There is no leader.');
    }
    killedAtMs = performance.now();
    pair.kill(leader, withPatroni);
    const giveUpAt = killedAtMs + settleMs;
    while (firstTokenMs === Infinity && performance.now() < giveUpAt) {
      await sleep(50);
    }
    await sleep(loadMs);
    isOver = true;
    await Promise.all(load);
    fake.behave();
    const what = withPatroni ? 'the primary with its Patroni' : 'PostgreSQL of the primary';
    return { what, firstTokenMs, lost: await countLost(services, users) };
  } finally {
    for (const service of services) {
      await service.stop();
    }
    await proxy?.stop();
    await pair.stop();
    await sandbox.stop();
    rmSync(journal, { recursive: true, force: true });
  }
}

/** Refreshes each connection once more. Those that are held after the failover are tried again for three minutes. */
async function countLost(services: readonly Service[], users: readonly string[]): Promise<number> {
  const giveUpAt = performance.now() + settleMs;
  const refreshed = await Promise.all(
    users.map(async (user, index) => {
      for (;;) {
        const response = await services[index % services.length]?.call('POST', `${pathOf(user)}/refresh`);
        if (response?.status === 200 || performance.now() > giveUpAt) {
          if (response?.status !== 200) {
            process.stderr.write(`${user}: ${response?.status} ${response?.text}\n`);
          }
          return response?.status === 200;
        }
        await sleep(2_000);
      }
    }),
  );
  return refreshed.filter((isRefreshed) => !isRefreshed).length;
}

const { values } = parseArgs({
  options: { connections: { type: 'string', default: '20' }, rounds: { type: 'string', default: '1' } },
});
const found = findPrograms();
if ('missing' in found) {
  process.stdout.write(`Skipped: ${found.missing} is not installed. Debian has patroni, etcd-server and postgresql.\n`);
} else {
  process.stdout.write('| killed | connections | first token after | lost |\n|---|---|---|---|\n');
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const withPatroni of [false, true]) {
      const { what, firstTokenMs, lost } = await runRound(found.binaries, withPatroni, Number(values.connections));
      process.stdout.write(`| ${what} | ${values.connections} | ${(firstTokenMs / 1_000).toFixed(1)} s | ${lost} |\n`);
      process.exitCode = lost === 0 && firstTokenMs !== Infinity ? process.exitCode : 1;
    }
  }
}
