import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { codeOf } from '../errors/app-error.js';
import type { ErrorCode } from '../errors/error-code.js';
import type { AuditEvent } from './audit-event.js';
import { AuditTrail } from './audit-trail.js';

const windowMs = 60_000;
/** Entries of their own that the refused calls of one source leave in a minute, for each code. */
const perSource = 5;
/** The same of all sources of one actor together. */
const perActor = 100;
/** Sources and actors that are counted; of more, only the summaries tell. */
const maxCounted = 10_000;

/** A refused call. The user, link or provider that it names exists, and the caller may act for it (AR-26). */
export interface Refusal extends Omit<AuditEvent, 'outcome' | 'code'> {
  readonly code: ErrorCode;
}

/** Refused calls that have no entry of their own. */
interface Summary extends Pick<Refusal, 'action' | 'actor' | 'code'> {
  calls: number;
  /** The address of all of them; `undefined` when they had several. */
  address: string | undefined;
}

/**
 * The one writer of entries for refused calls. Neither their number nor what they name is up to the caller: of each
 * source a few a minute have an entry of their own, and all others are told in one summary a minute for each actor,
 * action and code.
 */
@Injectable()
export class RefusalRecorder implements BeforeApplicationShutdown {
  private readonly logger = new Logger(RefusalRecorder.name);
  private counts = new Map<string, number>();
  private summaries = new Map<string, Summary>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly audit: AuditTrail) {}

  /**
   * Notes a refused call. The refusal stands when the entry cannot be written.
   *
   * @param refusal - without a user or anything else that the caller has only written down
   * @param source - whose refused calls are counted together: a known caller, or something known that was called. A
   *   call without a source has no entry of its own
   */
  async record(refusal: Refusal, source?: string): Promise<void> {
    this.timer ??= setTimeout(() => void this.flush(), windowMs).unref();
    const { action, actor, code, address } = refusal;
    const kind = `${actor} ${action} ${code}`;
    if (source !== undefined && this.takeOne(`${source} ${kind}`, perSource) && this.takeOne(kind, perActor)) {
      await this.write({ ...refusal, outcome: 'denied' });
      return;
    }
    const summary = this.summaries.get(kind);
    if (summary === undefined) {
      this.summaries.set(kind, { action, actor, code, calls: 1, address });
    } else {
      summary.calls += 1;
      summary.address = summary.address === address ? address : undefined;
    }
  }

  /** Writes the summaries of the minute so far, and begins the next one. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const summaries = [...this.summaries.values()];
    this.counts = new Map();
    this.summaries = new Map();
    await Promise.all(
      summaries.map(({ calls, ...event }) => this.write({ ...event, outcome: 'denied', subject: `calls:${calls}` })),
    );
  }

  /** Writes what is counted while there is a database. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.flush();
  }

  private takeOne(counted: string, limit: number): boolean {
    const count = this.counts.get(counted) ?? 0;
    if (count >= limit || (count === 0 && this.counts.size >= maxCounted)) {
      return false;
    }
    this.counts.set(counted, count + 1);
    return true;
  }

  private async write(event: AuditEvent): Promise<void> {
    await this.audit.record(event).catch((error: unknown) => {
      this.logger.warn(`The audit entry of rejected calls could not be written: ${codeOf(error)}.`);
    });
  }
}
