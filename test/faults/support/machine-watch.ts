import { setTimeout as sleep } from 'node:timers/promises';
import { queryDatabase } from '../../support/test-database.js';

const pauseMs = 200;
/** A statement that reads nothing takes some milliseconds, on a slow machine some tens of them. */
const limitMs = 1_000;

/**
 * Notices when the machine stands still, or has so much to do that not even `SELECT 1` gets a response.
 *
 * The time that a caller waits at such a moment says nothing about the service.
 */
export class MachineWatch {
  #stoodStillAtMs = -Infinity;
  #roundSince = Date.now();
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;

  /** @param url - of the database of the services that are judged */
  constructor(private readonly url: () => string) {
    this.#running = this.#run();
  }

  /** When the machine last stood still; `Infinity` while it does. Milliseconds since 1970. */
  get stoodStillAtMs(): number {
    return this.#isLate() ? Infinity : this.#stoodStillAtMs;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#roundSince = Date.now();
      // A database that is down is disturbed by the test itself, which knows of it.
      await queryDatabase(this.url(), 'SELECT 1').catch(() => undefined);
      await sleep(pauseMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
      if (this.#isLate()) {
        this.#stoodStillAtMs = Date.now();
      }
    }
  }

  #isLate(): boolean {
    return Date.now() - this.#roundSince > pauseMs + limitMs;
  }
}
