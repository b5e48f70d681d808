import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/development/embedded-postgres.js';
import { endPostgres, removeDirectory } from '../../support/service-process.js';
import { createMigratedDatabase } from '../../support/test-database.js';

/** A database as a fault scenario needs it. */
export interface FaultDatabase {
  /** Changes when the server is restarted. */
  readonly url: string;
  /** When it was last away; `Infinity` while it is. Milliseconds since 1970. */
  readonly disturbedAtMs: number;
  stop(): Promise<void>;
}

/** A database on the server that all tests share; it cannot be stopped. */
export async function useSharedServer(): Promise<FaultDatabase> {
  return { url: await createMigratedDatabase(), disturbedAtMs: -Infinity, stop: async () => undefined };
}

/**
 * A PostgreSQL of its own, which a test can crash and restart. What it has committed survives a crash of its processes.
 */
export class OwnPostgres implements FaultDatabase {
  disturbedAtMs = -Infinity;

  private constructor(
    private readonly directory: string,
    private server: EmbeddedPostgres,
  ) {}

  static async start(): Promise<OwnPostgres> {
    const directory = await mkdtemp(join(tmpdir(), 'cufflink-fault-database-'));
    try {
      return new OwnPostgres(directory, await launch(directory));
    } catch (error) {
      await removeDirectory(directory);
      throw error;
    }
  }

  get url(): string {
    return this.server.url;
  }

  /** Ends it without a farewell, like `pg_ctl stop -m immediate`. */
  async crash(): Promise<void> {
    this.disturbedAtMs = Infinity;
    await endPostgres(this.directory, 'SIGQUIT');
  }

  /** Starts it again after {@link crash}; it recovers what was committed. */
  async restart(): Promise<void> {
    this.server = await launch(this.directory);
    this.disturbedAtMs = Date.now();
  }

  async stop(): Promise<void> {
    await removeDirectory(this.directory);
  }
}

function launch(directory: string): Promise<EmbeddedPostgres> {
  // Without fsync the operating system still has what was written; only a crash of the machine would lose it.
  const settings = { fsync: 'off', track_commit_timestamp: 'on' };
  return startEmbeddedPostgres({ directory: join(directory, '.cufflink'), settings });
}
