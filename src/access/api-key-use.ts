import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import { AppError } from '../errors/app-error.js';

/** Precision of the recorded time: at most one write for each key in this time. */
const noteIntervalMs = 60_000;
/** Uses are gathered for this long before they are written together. */
const gatherMs = 1_000;

const noteUse: Statement = {
  name: 'api-keys-note-use',
  text: 'UPDATE api_keys SET last_used_at = now() WHERE id = ANY($1::text[])',
};

/** Notes when each API key was last used, to the minute. No call waits for it. */
@Injectable()
export class ApiKeyUse implements BeforeApplicationShutdown {
  private readonly logger = new Logger(ApiKeyUse.name);
  /** When a use of each key was last noted, by a clock that only runs forward; only keys that exist get here. */
  private readonly notedAt = new Map<string, number>();
  private waiting = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly database: Database) {}

  /** Notes that a key was used now. */
  note(id: string): void {
    const now = performance.now();
    if (now - (this.notedAt.get(id) ?? -Infinity) < noteIntervalMs) {
      return;
    }
    this.notedAt.set(id, now);
    this.waiting.add(id);
    this.timer ??= setTimeout(() => void this.write(), gatherMs).unref();
  }

  /** Writes what is noted while there is a database. */
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
      // The next use, a minute later, says nearly the same.
      this.logger.warn(
        `The last use of API keys could not be saved: ${error instanceof AppError ? error.code : 'INTERNAL_ERROR'}.`,
      );
    }
  }
}
