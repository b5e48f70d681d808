import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import { AppError } from '../errors/app-error.js';

/** Precision of the recorded time: at most one write for each key in this time. */
const noteIntervalMs = 60_000;
/** Time in which uses are collected before they are written together. */
const gatherMs = 1_000;

const noteUse: Statement = {
  name: 'api-keys-note-use',
  text: 'UPDATE api_keys SET last_used_at = now() WHERE id = ANY($1::text[])',
};

/** Records when each API key was last used, to the minute. No call waits for it. */
@Injectable()
export class ApiKeyUse implements BeforeApplicationShutdown {
  private readonly logger = new Logger(ApiKeyUse.name);
  /** When a use of each key was last recorded, by the monotonic clock. Only existing keys are in it. */
  private readonly notedAt = new Map<string, number>();
  private waiting = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly database: Database) {}

  /** Records that a key was used now. */
  note(id: string): void {
    const now = performance.now();
    if (now - (this.notedAt.get(id) ?? -Infinity) < noteIntervalMs) {
      return;
    }
    this.notedAt.set(id, now);
    this.waiting.add(id);
    this.timer ??= setTimeout(() => void this.write(), gatherMs).unref();
  }

  /** Writes the collected uses while the database is available. */
  async beforeApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    await this.write();
  }

  private async write(): Promise<void> {
    this.timer = undefined;
    const ids = [...this.waiting];
    this.waiting = new Set();
    if (ids.length === 0) {
      return;
    }
    try {
      await this.database.query(noteUse, [ids]);
    } catch (error) {
      // The next use, a minute later, writes nearly the same.
      this.logger.warn(
        `The last use of API keys could not be saved: ${error instanceof AppError ? error.code : 'INTERNAL_ERROR'}.`,
      );
    }
  }
}
