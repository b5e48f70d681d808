import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import type TestAgent from 'supertest/lib/agent.js';
import type { OAuth2Definition } from '../../../src/provider-kit/definition/provider-definition.js';
import { checkout, type ServiceProcess, startService } from '../../support/service-process.js';
import { until } from '../../support/until.js';
import type { FaultyNetwork } from './faulty-network.js';
import type { HoldPoint, StatementProxy } from './statement-proxy.js';

/** Options of a replica. */
export interface ReplicaOptions {
  readonly rootKey: string;
  /** To the database; this replica's alone. */
  readonly database: StatementProxy;
  readonly providerLine: FaultyNetwork;
  readonly environment?: Readonly<Record<string, string>>;
  /** How far its wall clock is ahead, in milliseconds. */
  readonly clockOffsetMs?: number;
  /** Providers of the test, beside those of the program. */
  readonly definitions?: readonly OAuth2Definition[];
  /** The checkout whose built program runs, if not this one. */
  readonly program?: string;
}

/** One process of the built program. It may be killed, frozen and started again; its journal stays where it is. */
export class Replica {
  private service: ServiceProcess | undefined;
  private agent: TestAgent | undefined;
  private readonly outputs: string[] = [];
  private journalNumber = 0;
  /** When the process was last frozen; `Infinity` while it is. Milliseconds since 1970. */
  disturbedAtMs = -Infinity;

  private constructor(
    private readonly directory: string,
    private readonly options: ReplicaOptions,
  ) {}

  static async start(options: ReplicaOptions): Promise<Replica> {
    const replica = new Replica(await mkdtemp(join(tmpdir(), 'cufflink-replica-')), options);
    try {
      await replica.start();
      return replica;
    } catch (error) {
      await replica.remove();
      throw error;
    }
  }

  /** Faults between this replica and PostgreSQL. */
  get database(): StatementProxy {
    return this.options.database;
  }

  /** Faults between this replica and the providers. */
  get providerLine(): FaultyNetwork {
    return this.options.providerLine;
  }

  /** Calls with a key that has every scope. */
  get api(): TestAgent {
    if (this.agent === undefined) {
      throw new Error('The replica does not run.');
    }
    return this.agent;
  }

  /** Output of all its processes. */
  get output(): string {
    return [...this.outputs, this.service?.output() ?? ''].join('');
  }

  /** When the process that runs began to work, by its own log; milliseconds since 1970. */
  get startedAtMs(): number {
    const [, time] = /"time":(\d+)[^\n]*"msg":"Listening on/.exec(this.service?.output() ?? '') ?? [];
    if (time === undefined) {
      throw new Error('The replica does not run.');
    }
    return Number(time);
  }

  get journalDirectory(): string {
    return join(this.directory, `journal-${this.journalNumber}`);
  }

  /** Ids of the connections that have entries in the journal which nobody has committed yet. */
  async journalEntries(): Promise<string[]> {
    for (;;) {
      const files = (await readdir(this.journalDirectory)).filter((file) => !file.endsWith('.kept'));
      const texts = await Promise.all(
        files.map((file) => readFile(join(this.journalDirectory, file), 'utf8').catch(() => undefined)),
      );
      // A file that is gone may have another name by now.
      if (!texts.includes(undefined)) {
        const lines = texts.flatMap((text) => text?.split('\n').slice(0, -1) ?? []);
        return [...new Set(lines.map((line) => (JSON.parse(line) as { id: string }).id))];
      }
    }
  }

  /**
   * Waits until refreshed tokens of so many connections wait for their commit at the point; several may be in one
   * statement.
   */
  async commitsHeld(point: HoldPoint, count: number): Promise<void> {
    await point.reached(1);
    await until('the journal has all of them', async () => (await this.journalEntries()).length >= count);
  }

  /** Starts the program, with an empty journal if the old one must be lost. */
  async start({ withoutJournal = false }: { withoutJournal?: boolean } = {}): Promise<void> {
    const { rootKey, database, providerLine, environment, clockOffsetMs, definitions, program } = this.options;
    this.journalNumber += withoutJournal ? 1 : 0;
    const settings = {
      NODE_ENV: 'development',
      ENVIRONMENT_NAME: 'test',
      LOG_LEVEL: 'debug',
      LOG_FORMAT: 'json',
      RATE_LIMIT_ADDRESS_PER_MINUTE: '0',
      RATE_LIMIT_USER_PER_MINUTE: '0',
      PORT: '0',
      PUBLIC_URL: 'http://localhost:3000',
      DATABASE_URL: database.url,
      ENCRYPTION_ROOT_KEY: rootKey,
      SANDBOX_URL: providerLine.url,
      REFRESH_JOURNAL_DIRECTORY: this.journalDirectory,
      ...(clockOffsetMs === undefined ? {} : shiftedClock(clockOffsetMs)),
      ...(definitions === undefined ? {} : furtherProviders(definitions)),
      ...environment,
    };
    const service = startService(this.directory, settings, program);
    this.service = service;
    const { api_url: apiUrl, api_key: apiKey } = await this.readCredentials(service);
    const url = apiUrl.replace('localhost', '127.0.0.1');
    this.agent = request.agent(url).set('authorization', `Bearer ${apiKey}`);
  }

  /** Ends the process at once and with it everything it has under way. */
  async kill(): Promise<void> {
    await this.service?.stop('SIGKILL');
    this.options.database.sever();
    this.forgetProcess();
  }

  /** Asks the process to end, and waits until it has. */
  async stop(): Promise<void> {
    const ending = await this.service?.stop('SIGTERM');
    this.forgetProcess();
    if (ending !== undefined && ending.status !== 0) {
      throw new Error(`The replica ended with ${JSON.stringify(ending)}:\n${this.output}`);
    }
  }

  /** Freezes the process. */
  pause(): void {
    this.disturbedAtMs = Infinity;
    this.service?.child.kill('SIGSTOP');
  }

  resume(): void {
    this.service?.child.kill('SIGCONT');
    this.disturbedAtMs = Date.now();
  }

  /** Ends the process in any state, and removes its directory. */
  async remove(): Promise<void> {
    await this.service?.stop('SIGKILL');
    await rm(this.directory, { recursive: true, force: true });
  }

  private get credentialsFile(): string {
    return join(this.directory, '.cufflink/dev-credentials.json');
  }

  private forgetProcess(): void {
    this.outputs.push(this.service?.output() ?? '');
    this.service = undefined;
    this.agent = undefined;
    this.disturbedAtMs = -Infinity;
  }

  /** Waits for the banner, before which the file is that of an earlier process. */
  private async readCredentials(service: ServiceProcess): Promise<{ api_url: string; api_key: string }> {
    await service.waitFor('Cufflink is running');
    return JSON.parse(await readFile(this.credentialsFile, 'utf8')) as { api_url: string; api_key: string };
  }
}

function shiftedClock(offsetMs: number): Record<string, string> {
  return {
    NODE_OPTIONS: preload('shifted-clock.js'),
    TEST_CLOCK_OFFSET_MS: String(offsetMs),
  };
}

function furtherProviders(definitions: readonly OAuth2Definition[]): Record<string, string> {
  return {
    NODE_OPTIONS: preload('further-providers.js'),
    TEST_PROVIDER_DEFINITIONS: JSON.stringify(definitions),
  };
}

/** Loads a file of this folder before the program. */
function preload(file: string): string {
  return `--import ${join(checkout, 'test/faults/support', file)}`;
}
