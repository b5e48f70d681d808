import type { Connection } from '../store/connection.js';
import type { RefreshPriority, PermitRequest } from './refresh-concurrency.js';

/** A requested refresh. */
export interface RefreshRequest extends PermitRequest {
  /** Rejected when the provider has not responded in time. */
  readonly overdue: PromiseWithResolvers<never>;
}

/** A refresh in flight in this process. */
export interface RefreshRun {
  readonly request: RefreshRequest;
  readonly done: Promise<void>;
  /** Like `done`, but fails when the provider has not responded in time. The refresh is then still in flight. */
  readonly told: Promise<void>;
}

/** The refreshes in flight in this process, at most one for each connection. */
export class RefreshRuns {
  private readonly running = new Map<string, RefreshRun>();

  /** Returns the refresh of a connection that others may join. */
  find(connection: Connection): RefreshRun | undefined {
    return this.running.get(connection.id);
  }

  /** Follows a refresh until it is over. */
  start(
    { id, provider }: Connection,
    priority: RefreshPriority,
    refresh: (request: RefreshRequest) => Promise<void>,
  ): RefreshRun {
    const request: RefreshRequest = { provider, priority, overdue: Promise.withResolvers<never>() };
    const done = refresh(request).finally(() => {
      if (this.running.get(id)?.request === request) {
        this.running.delete(id);
      }
    });
    const run = { request, done, told: Promise.race([done, request.overdue.promise]) };
    // Not every caller waits for both promises.
    run.told.catch(() => undefined);
    // A caller that lost the lease may already be waiting here for this refresh.
    if (!this.running.has(id)) {
      this.running.set(id, run);
    }
    return run;
  }

  /** Waits for all refreshes that can be joined. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.running.values()].map(({ done }) => done));
  }
}
