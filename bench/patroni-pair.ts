import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const installed = '/usr/lib/postgresql';
const startLimitMs = 120_000;
const pollMs = 100;

/** One PostgreSQL with the Patroni that looks after it. */
export interface PatroniNode {
  readonly name: string;
  readonly port: number;
  readonly restPort: number;
  readonly dataFolder: string;
  readonly patroni: ChildProcess;
}

/** Returns the folder of Debian's newest PostgreSQL, or why no pair can be started here. */
export function findPrograms(): { readonly binaries: string } | { readonly missing: string } {
  for (const program of ['patroni', 'etcd']) {
    if (spawnSync('which', [program]).status !== 0) {
      return { missing: program };
    }
  }
  const versions = existsSync(installed) ? readdirSync(installed).sort((a, b) => Number(b) - Number(a)) : [];
  return versions[0] === undefined ? { missing: installed } : { binaries: join(installed, versions[0], 'bin') };
}

/** Two nodes and an etcd on loopback, with all data in a temporary folder. */
export class PatroniPair {
  readonly nodes: PatroniNode[] = [];
  private etcd: ChildProcess | undefined;
  private readonly folder = mkdtempSync(join(tmpdir(), 'cufflink-patroni-'));
  private readonly password = randomBytes(16).toString('hex');
  private readonly account = accountOfPostgres();

  /** Starts etcd and both nodes, and waits until one leads and the other streams from it. */
  async start(binaries: string, settings: object): Promise<void> {
    const [etcdPort, peerPort] = [await freePort(), await freePort()];
    chown(this.folder, this.account);
    const [client, peer] = [`http://127.0.0.1:${etcdPort}`, `http://127.0.0.1:${peerPort}`];
    this.etcd = this.launch('etcd', [
      ...['--data-dir', join(this.folder, 'etcd')],
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
    ]);
    for (const name of ['one', 'two']) {
      this.nodes.push(await this.startNode(name, binaries, etcdPort, settings));
      await waitFor(`a leader, and ${name} in its place`, async () => {
        const ended = this.nodes.find(({ patroni }) => patroni.exitCode !== null);
        if (ended !== undefined) {
          throw new Error(`Patroni of ${ended.name} has ended. PATRONI_OUTPUT=on shows why.`);
        }
        const states = await Promise.all(this.nodes.map(({ restPort }) => statusOf(restPort, 'health')));
        return states.every((status) => status === 200) && (await this.findLeader()) !== undefined;
      });
    }
    await waitFor('a standby that streams', async () =>
      (await Promise.all(this.nodes.map(({ restPort }) => statusOf(restPort, 'replica')))).includes(200),
    );
  }

  /** The node that Patroni calls the primary now, as a load balancer asks it. */
  async findLeader(): Promise<PatroniNode | undefined> {
    const statuses = await Promise.all(this.nodes.map(({ restPort }) => statusOf(restPort, 'primary')));
    return this.nodes[statuses.indexOf(200)];
  }

  urlOf({ port }: Pick<PatroniNode, 'port'>): string {
    return `postgres://postgres:${this.password}@127.0.0.1:${port}/postgres`;
  }

  /**
   * Kills PostgreSQL.
   *
   * @param withPatroni - as the end of the machine does; otherwise Patroni sees it and acts at once
   */
  kill({ dataFolder, patroni }: PatroniNode, withPatroni: boolean): void {
    if (withPatroni) {
      patroni.kill('SIGKILL');
    }
    const postmaster = postmasterOf(dataFolder);
    if (postmaster !== undefined) {
      process.kill(postmaster, 'SIGKILL');
    }
  }

  async stop(): Promise<void> {
    for (const { patroni, dataFolder } of this.nodes) {
      await end(patroni);
      const postmaster = postmasterOf(dataFolder);
      if (postmaster !== undefined && isAlive(postmaster)) {
        process.kill(postmaster, 'SIGQUIT');
        await waitFor('the end of PostgreSQL', () => Promise.resolve(!isAlive(postmaster)));
      }
    }
    if (this.etcd !== undefined) {
      await end(this.etcd);
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  private async startNode(name: string, binaries: string, etcdPort: number, settings: object): Promise<PatroniNode> {
    const [port, restPort] = [await freePort(), await freePort()];
    const folder = join(this.folder, name);
    mkdirSync(folder, { mode: 0o700 });
    chown(folder, this.account);
    const dataFolder = join(folder, 'data');
    const credentials = { username: 'postgres', password: this.password };
    // YAML is a superset of JSON.
    const configuration = {
      scope: 'cufflink',
      name,
      restapi: { listen: `127.0.0.1:${restPort}`, connect_address: `127.0.0.1:${restPort}` },
      etcd3: { host: `127.0.0.1:${etcdPort}` },
      bootstrap: {
        dcs: { ...settings, postgresql: { use_pg_rewind: true, parameters: { track_commit_timestamp: 'on' } } },
        initdb: [{ encoding: 'UTF8' }, 'data-checksums'],
      },
      postgresql: {
        listen: `127.0.0.1:${port}`,
        connect_address: `127.0.0.1:${port}`,
        data_dir: dataFolder,
        bin_dir: binaries,
        pgpass: join(folder, 'pgpass'),
        authentication: { superuser: credentials, replication: { ...credentials }, rewind: { ...credentials } },
        parameters: { unix_socket_directories: folder, max_connections: 100 },
        pg_hba: [
          'local all all trust',
          'host all all 127.0.0.1/32 scram-sha-256',
          'host replication all 127.0.0.1/32 scram-sha-256',
        ],
      },
    };
    const file = join(folder, 'patroni.yml');
    writeFileSync(file, JSON.stringify(configuration), { mode: 0o600 });
    chown(file, this.account);
    return { name, port, restPort, dataFolder, patroni: this.launch('patroni', [file]) };
  }

  private launch(command: string, args: readonly string[]): ChildProcess {
    return spawn(command, args, {
      cwd: this.folder,
      stdio: ['ignore', 'ignore', process.env['PATRONI_OUTPUT'] === undefined ? 'ignore' : 'inherit'],
      ...this.account,
    });
  }
}

async function statusOf(restPort: number, path: string): Promise<number> {
  const signal = AbortSignal.timeout(1_000);
  return fetch(`http://127.0.0.1:${restPort}/${path}`, { signal }).then(
    ({ status }) => status,
    () => 0,
  );
}

async function waitFor(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + startLimitMs;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) {
      throw new Error(`Waited too long for ${what}.`);
    }
    await sleep(pollMs);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await Promise.race([ended, sleep(20_000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))]);
  }
}

function postmasterOf(dataFolder: string): number | undefined {
  const file = join(dataFolder, 'postmaster.pid');
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n', 1)[0]) : undefined;
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch {
    return false;
  }
}

/** PostgreSQL refuses to run as root. */
function accountOfPostgres(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) {
    return {};
  }
  const [, , uid, gid] = /^postgres:.*$/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[0].split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

function chown(path: string, { uid, gid }: { readonly uid?: number; readonly gid?: number }): void {
  if (uid !== undefined && gid !== undefined) {
    chownSync(path, uid, gid);
  }
}
