import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { MicroBatch } from '../database/micro-batch.js';
import { DatabaseUnavailableError } from '../errors/request.errors.js';
import type { MacKey } from '../vault/mac-key.js';
import { VaultService } from '../vault/vault.service.js';
import { beginningOf, chain, signHead, type AuditEntry, type AuditFacts, type ChainHead } from './audit-chain.js';
import type { AuditEvent } from './audit-event.js';
import type { SignedHead } from './audit-head.js';
import { AuditStore } from './audit-store.js';

/** A database that leaves more entries waiting does not keep up. */
const limits = { maxItems: 500, maxWaiting: 10_000 };
/** Attempts of a new writer to get a number, if other processes take it first. */
const numberAttempts = 20;

/** The chain that this process writes. */
interface OwnChain {
  readonly writerNumber: number;
  readonly key: MacKey;
  head: ChainHead;
}

/**
 * Writes the audit trail: append-only, durable before the caller continues, chained per process.
 *
 * Entries that arrive while others are being written go together into the next statement, so that a busy process pays
 * one commit for many entries. Processes do not wait for each other: each has a chain of its own. A chain whose last
 * write failed is left as it is, because nobody knows whether that write arrived; the next entries begin a new one.
 */
@Injectable()
export class AuditTrail implements BeforeApplicationShutdown {
  private readonly logger = new Logger(AuditTrail.name);
  private readonly groups = new MicroBatch<AuditFacts, void>((facts) => this.write(facts), limits);
  private ownChain: OwnChain | undefined;
  private latestHead: SignedHead | undefined;

  constructor(
    private readonly store: AuditStore,
    private readonly vault: VaultService,
    private readonly clock: Clock,
  ) {}

  /** The head after the last group of entries of this process; `undefined` before the first. */
  get head(): SignedHead | undefined {
    return this.latestHead;
  }

  /** Lets what is being recorded arrive while there is a database. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.groups.settle();
  }

  /**
   * Records one event. If a response depends on the entry, await it before you respond (LOG-06).
   *
   * @param event - holds no secret
   * @returns when the entry is committed
   * @throws {@link DatabaseUnavailableError} when it could not be written, or too many entries wait; the entry may
   *   exist all the same, what it tells of must not happen
   */
  async record(event: AuditEvent): Promise<void> {
    const facts = this.toFacts(event);
    try {
      await this.groups.add(facts);
    } catch (error) {
      throw new DatabaseUnavailableError(
        'The audit trail cannot be written at the moment, so nothing was done. Try again.',
        { cause: error, retryAfterSeconds: 5 },
      );
    }
  }

  private async write(group: readonly AuditFacts[]): Promise<void[]> {
    try {
      const own = (this.ownChain ??= await this.beginChain());
      const entries: AuditEntry[] = [];
      let head = own.head;
      for (const facts of group) {
        const entry = chain(facts, head, own.key);
        entries.push(entry);
        head = entry;
      }
      const { sequence, mac } = head;
      const signature = signHead(own.writerNumber, head, own.key);
      await this.store.append(own.writerNumber, entries, { sequence, mac: signature });
      own.head = { sequence, mac };
      this.latestHead = { writer: own.writerNumber, sequence, signature };
      return entries.map(() => undefined);
    } catch (error) {
      this.ownChain = undefined;
      this.logger.error(error);
      throw error;
    }
  }

  private toFacts(event: AuditEvent): AuditFacts {
    const { action, outcome, actor, userId, provider, connectionId, subject, code, requestId, address } = event;
    return {
      recordedAt: this.clock.now(),
      action,
      outcome,
      actor,
      userDigest: userId === undefined ? null : this.vault.digest('audit.user', [userId]),
      provider: provider ?? null,
      connectionId: connectionId ?? null,
      subject: subject ?? null,
      code: code ?? null,
      requestId: requestId ?? null,
      address: address ?? null,
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
    throw new Error(`Other processes took the number of a new audit writer ${numberAttempts} times.`);
  }
}
