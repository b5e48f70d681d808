import { access, constants } from 'node:fs/promises';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Database, type Statement } from '../database/database.js';
import { findPendingMigrations } from '../database/pending-migrations.js';
import { AppError } from '../errors/app-error.js';
import { KeyUnavailableError } from '../errors/connection.errors.js';
import { NotReadyError } from '../errors/request.errors.js';
import { Draining } from '../http/draining.js';
import { tokensConfig, type TokensConfig } from '../tokens/tokens.config.js';
import { KeyRing } from '../vault/key-ring.js';

/**
 * How long a response of the database is used, in milliseconds. In this time any number of checks sends one statement.
 */
const holdsForMs = 1_000;

const ping: Statement = { name: 'ops-ping', text: 'SELECT 1 AS ok' };

/** The parts of readiness. */
export const readinessParts = ['process', 'database', 'migrations', 'keys', 'journal'] as const;

/** One part. `degraded`: calls are served, and an operator should look. */
export interface ReadinessCheck {
  readonly status: 'ok' | 'degraded' | 'failed';
  readonly detail?: string;
}

/** All parts, and why this process should get no calls, if so. */
export interface Readiness {
  readonly checks: Record<(typeof readinessParts)[number], ReadinessCheck>;
  readonly failure: AppError | undefined;
}

const ok: ReadinessCheck = { status: 'ok' };

/** Checks if this process can serve calls, part by part. */
@Injectable()
export class ReadinessService {
  /** By the monotonic clock. */
  private askedAtMs = -Infinity;
  private isAsking = false;
  private response: Promise<unknown> = Promise.resolve();
  /** Kept once it is true: migrations are not reverted while a process of their version runs. */
  private isMigrated = false;

  constructor(
    private readonly database: Database,
    private readonly dataSource: DataSource,
    private readonly keyRing: KeyRing,
    private readonly draining: Draining,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {}

  /** Checks every part. Asks the database at most once a second. */
  async check(): Promise<Readiness> {
    // Awaited together: a part that fails while another one is slow would end the process as an unhandled rejection.
    const [ofProcess, ofDatabase, ofMigrations, ofKeys] = await Promise.all([
      findFailure(this.checkProcess()),
      findFailure(this.askDatabase()),
      findFailure(this.askDatabase().then(() => this.checkMigrations())),
      findFailure(this.checkKeys()),
    ]);
    const checks = {
      process: checkOf(ofProcess),
      database: checkOf(ofDatabase),
      migrations: checkOf(ofMigrations),
      keys: checkOf(ofKeys),
      journal: await this.checkJournal(),
    };
    return { checks, failure: ofProcess ?? ofDatabase ?? ofMigrations ?? ofKeys };
  }

  private async checkProcess(): Promise<void> {
    if (this.draining.isActive) {
      throw new NotReadyError('This instance is stopping. Send calls to another one.', { retryAfterSeconds: 1 });
    }
  }

  private askDatabase(): Promise<unknown> {
    if (!this.isAsking && performance.now() - this.askedAtMs >= holdsForMs) {
      this.isAsking = true;
      this.askedAtMs = performance.now();
      this.response = this.database.query(ping).finally(() => {
        this.isAsking = false;
      });
    }
    return this.response;
  }

  private async checkMigrations(): Promise<void> {
    if (this.isMigrated) {
      return;
    }
    const pending = await findPendingMigrations(this.dataSource);
    if (pending.length > 0) {
      throw new NotReadyError(`Migrations are pending: ${pending.length}. Run \`npm run cli -- migrate\`.`, {
        retryAfterSeconds: 5,
      });
    }
    this.isMigrated = true;
  }

  private async checkKeys(): Promise<void> {
    if (this.keyRing.usableKids().length === 0) {
      throw new KeyUnavailableError('No key can be used: the key source has not responded for too long.');
    }
  }

  /** A replica without a journal serves every call, so it stays ready. */
  private async checkJournal(): Promise<ReadinessCheck> {
    const { journalDirectory } = this.config;
    if (journalDirectory === undefined) {
      return { status: 'ok', detail: 'REFRESH_JOURNAL_DIRECTORY is not set' };
    }
    return access(journalDirectory, constants.W_OK).then(
      () => ok,
      () => ({ status: 'degraded', detail: 'REFRESH_JOURNAL_DIRECTORY cannot be written' }),
    );
  }
}

/** Waits for a part, and returns its known failure. Any other error is a mistake of ours, and is thrown. */
async function findFailure(part: Promise<unknown>): Promise<AppError | undefined> {
  try {
    await part;
    return undefined;
  } catch (error) {
    if (!(error instanceof AppError)) {
      throw error;
    }
    return error;
  }
}

function checkOf(failure: AppError | undefined): ReadinessCheck {
  return failure === undefined ? ok : { status: 'failed', detail: failure.message };
}
