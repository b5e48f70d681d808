import { Injectable } from '@nestjs/common';
import type { AuditEvent } from '../../audit/audit-event.js';
import { AuditReader } from '../../audit/audit-reader.js';
import { AuditTrail } from '../../audit/audit-trail.js';
import { AppError } from '../../errors/app-error.js';
import type { ErrorCode } from '../../errors/error-code.js';
import type { EndReason } from '../store/connection.js';
import type { ConnectionKey } from '../store/connection.js';
import { endings, refreshes } from '../tokens.metrics.js';

/** How a call to a provider's token endpoint ended: new tokens that were stored, tokens that came too late, or none. */
export type RefreshResult = 'refreshed' | 'superseded' | ErrorCode;

/** Largest difference between the clocks of two processes, in milliseconds. */
const clockToleranceMs = 60_000;
/** More than the refreshes of any connection within that time. */
const maxEntries = 100;

/** Counts the outcomes of refreshes, and records one audit entry for each (I5). */
@Injectable()
export class RefreshRecorder {
  /** The last started save of each connection. */
  private readonly saves = new Map<string, Promise<unknown>>();

  constructor(
    private readonly audit: AuditTrail,
    private readonly reader: AuditReader,
  ) {}

  /**
   * Runs a save together with the record of its outcome. In this process the saves of one connection run one after the
   * other. So a save that finds a token set already stored also finds its audit entry.
   *
   * @param connectionId - the connection whose row is written
   * @param save - writes the row and records the outcome
   */
  async inTurn<T>(connectionId: string, save: () => Promise<T>): Promise<T> {
    const before = this.saves.get(connectionId);
    const saving = (async () => {
      await before;
      return save();
    })();
    const ended = saving.catch(() => undefined);
    this.saves.set(connectionId, ended);
    try {
      return await saving;
    } finally {
      if (this.saves.get(connectionId) === ended) {
        this.saves.delete(connectionId);
      }
    }
  }

  /**
   * Records the outcome of one refresh. The provider has already acted. So the refresh does not fail if the entry
   * cannot be written; the audit trail logs that. Returning the new token still needs an entry of its own.
   *
   * @param replaced - the row, with the generation that the refresh replaced
   * @returns whether the entry was written
   */
  async record(replaced: ConnectionKey, outcome: RefreshResult): Promise<boolean> {
    refreshes.inc({ provider: replaced.provider, outcome });
    try {
      await this.audit.record(toEvent(replaced, outcome));
      return true;
    } catch (error) {
      return unlessMistake(error);
    }
  }

  /**
   * Records that a connection has ended, and why. The connection has ended whether or not this can be written.
   *
   * @param connection - as it was before
   */
  async recordEnd({ userId, provider, id }: ConnectionKey, reason: EndReason | null): Promise<void> {
    const about = { actor: 'service', userId, provider, connectionId: id };
    const subject = reason === null ? undefined : `reason:${reason}`;
    endings.inc({ provider, reason: reason ?? 'unknown' });
    await this.audit
      .record({ ...about, action: 'connection.needs_relink', outcome: 'success', subject })
      .catch(unlessMistake);
  }

  /** Records that an ended connection works again. */
  async recordRecovery({ userId, provider, id }: ConnectionKey): Promise<void> {
    const about = { actor: 'service', userId, provider, connectionId: id };
    await this.audit.record({ ...about, action: 'connection.recovered', outcome: 'success' }).catch(unlessMistake);
  }

  /**
   * Records a refresh whose tokens were found already stored, unless the process that stored them has recorded it. That
   * process may have died in between.
   *
   * @param replaced - as for {@link record}
   * @param since - an instant before the tokens were stored
   * @returns whether there is an entry
   */
  async recordOnce(replaced: ConnectionKey, since: Date): Promise<boolean> {
    const { userId, provider, id } = replaced;
    const { action, subject } = toEvent(replaced, 'refreshed');
    const from = new Date(since.getTime() - clockToleranceMs);
    try {
      const { entries } = await this.reader.find({ userId, provider, action, from }, maxEntries);
      const isNoted = entries.some((entry) => entry.connectionId === id && entry.subject === subject);
      return isNoted || (await this.record(replaced, 'refreshed'));
    } catch (error) {
      return unlessMistake(error);
    }
  }
}

function toEvent({ userId, provider, id, secretGen }: ConnectionKey, outcome: RefreshResult): AuditEvent {
  const about = { actor: 'service', userId, provider, connectionId: id };
  if (outcome === 'refreshed') {
    // The number shows that two entries, from two processes at the same moment, are about one token set.
    return { ...about, action: 'token.refreshed', outcome: 'success', subject: `token-set:${secretGen + 1}` };
  }
  return outcome === 'superseded'
    ? { ...about, action: 'token.refresh_superseded', outcome: 'success' }
    : { ...about, action: 'token.refresh_failed', outcome: 'failed', code: outcome };
}

function unlessMistake(error: unknown): false {
  if (!(error instanceof AppError)) {
    throw error;
  }
  return false;
}
