import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { DatabaseUnavailableError } from '../errors/request.errors.js';
import type { MacKey } from '../vault/mac-key.js';
import { VaultService } from '../vault/vault.service.js';
import { beginningOf, chain, signHead, type AuditEntry, type AuditFacts, type ChainHead } from './audit-chain.js';
import type { AuditEvent } from './audit-event.js';
import { AuditStore } from './audit-store.js';

/** The most entries that one statement writes. */
const maxGroup = 500;
/** The most entries that wait; more means that the database does not keep up. */
const maxWaiting = 10_000;
/** How often a new writer asks for a number that another process has just taken. */
const numberAttempts = 20;

interface WaitingEntry {
  readonly event: AuditEvent;
  readonly recordedAt: Date;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The chain that this process writes. */
interface OwnChain {
  readonly writerNumber: number;
  readonly key: MacKey;
  head: ChainHead;
}

/**
 * Writes the audit trail: append-only, durable before the caller goes on, chained per process.
 *
 * Entries that arrive while others are being written go together into the next statement, so that a busy process pays one
 * commit for many entries. Processes do not wait for each other: each has a chain of its own. A chain whose last write failed
 * is left as it is, because nobody knows whether that write arrived; the next entries begin a new one.
 */
@Injectable()
export class AuditTrail implements BeforeApplicationShutdown {
  private readonly logger = new Logger(AuditTrail.name);
  private waiting: WaitingEntry[] = [];
  private writing: Promise<void> | undefined;
  private ownChain: OwnChain | undefined;

  constructor(
    private readonly store: AuditStore,
    private readonly vault: VaultService,
    private readonly clock: Clock,
  ) {}

  /** Lets what is being recorded arrive while there is a database. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.writing;
  }

  /**
   * Records one event. Where the entry is what allows an answer, await it before answering (LOG-06).
   *
   * @param event - holds no secret
   * @returns when the entry is committed
   * @throws {@link DatabaseUnavailableError} when it could not be written, or too many entries wait; the entry may exist all the
   *   same, what it tells of must not happen
   */
  record(event: AuditEvent): Promise<void> {
    if (this.waiting.length >= maxWaiting) {
      return Promise.reject(toUnavailable(new Error('Too many audit entries wait to be written.')));
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ event, recordedAt: this.clock.now(), resolve, reject });
      this.writing ??= this.writeAll();
    });
  }

  private async writeAll(): Promise<void> {
    // Those that are about to record in this turn of the event loop go with the first.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) {
      const group = this.waiting.slice(0, maxGroup);
      this.waiting = this.waiting.slice(maxGroup);
      try {
        await this.write(group);
        group.forEach(({ resolve }) => resolve());
      } catch (error) {
        this.ownChain = undefined;
        this.logger.error(error);
        const unavailable = toUnavailable(error);
        group.forEach(({ reject }) => reject(unavailable));
      }
    }
    // In the same turn as the last look at the queue: an entry that comes later has to start a new run.
    this.writing = undefined;
  }

  private async write(group: readonly WaitingEntry[]): Promise<void> {
    const own = (this.ownChain ??= await this.beginChain());
    const entries: AuditEntry[] = [];
    let head = own.head;
    for (const { event, recordedAt } of group) {
      const entry = chain(this.toFacts(event, recordedAt), head, own.key);
      entries.push(entry);
      head = entry;
    }
    const { sequence } = head;
    await this.store.append(own.writerNumber, entries, { sequence, mac: signHead(own.writerNumber, head, own.key) });
    own.head = { sequence, mac: head.mac };
  }

  private toFacts(event: AuditEvent, recordedAt: Date): AuditFacts {
    const { action, outcome, actor, userId, provider, connectionId, code, requestId } = event;
    return {
      recordedAt,
      action,
      outcome,
      actor,
      userDigest: userId === undefined ? null : this.vault.digest('audit.user', [userId]),
      provider: provider ?? null,
      connectionId: connectionId ?? null,
      code: code ?? null,
      requestId: requestId ?? null,
    };
  }

  /** A new writer notes where the one before it stands, so that writers are chained too. */
  private async beginChain(): Promise<OwnChain> {
    const key = this.vault.getMacKey('audit.chain');
    for (let attempt = 0; attempt < numberAttempts; attempt += 1) {
      const latest = await this.store.findLatestWriter();
      const writer = {
        number: (latest?.number ?? 0) + 1,
        kid: key.kid,
        startedAt: this.clock.now(),
        witnessedSequence: latest?.head.sequence ?? 0,
        witnessedMac: latest?.head.mac ?? Buffer.alloc(0),
      };
      const head = beginningOf(writer, key);
      if (await this.store.insertWriter(writer, signHead(writer.number, head, key))) {
        return { writerNumber: writer.number, key, head };
      }
    }
    throw new Error(`Other processes have taken the number of a new audit writer ${numberAttempts} times.`);
  }
}

function toUnavailable(cause: unknown): DatabaseUnavailableError {
  return new DatabaseUnavailableError(
    'The audit trail cannot be written at the moment, and nothing is done without it. Try again.',
    { cause, retryAfterSeconds: 5 },
  );
}
