import { Injectable } from '@nestjs/common';
import type { AuditEvent } from '../audit/audit-event.js';
import { AuditReader } from '../audit/audit-reader.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { AppError } from '../errors/app-error.js';
import type { ErrorCode } from '../errors/error-code.js';
import type { EndReason } from './connection-state.js';
import type { ConnectionKey } from './connection-store.js';
import { endings, refreshes } from './tokens.metrics.js';

/** How a call to a provider's token endpoint ended: new tokens that are stored, ones that came too late, or none. */
export type RefreshOutcome = 'refreshed' | 'superseded' | ErrorCode;

/** How far the clocks of two processes may be apart, in milliseconds. */
const clockToleranceMs = 60_000;
/** No connection is refreshed so often within that time. */
const maxEntries = 100;

/** Counts how refreshes end, and leaves one audit entry for each (I5). */
@Injectable()
export class RefreshOutcomes {
  constructor(
    private readonly audit: AuditTrail,
    private readonly reader: AuditReader,
  ) {}

  /**
   * Notes the end of one refresh. What has happened at the provider has happened: an entry that cannot be written, which the
   * audit trail logs, stops nothing. A hand-out of the new token still needs an entry of its own.
   *
   * @param replaced - the row, with the generation that the refresh replaced
   * @returns whether the entry is written
   */
  async note(replaced: ConnectionKey, outcome: RefreshOutcome): Promise<boolean> {
    refreshes.inc({ provider: replaced.provider, outcome });
    try {
      await this.audit.record(toEvent(replaced, outcome));
      return true;
    } catch (error) {
      return unlessMistake(error);
    }
  }

  /**
   * Notes that a connection has ended, and why. That it has, stands whether or not this can be written.
   *
   * @param connection - as it was before
   */
  async noteEnd({ userId, provider, id }: ConnectionKey, reason: EndReason | null): Promise<void> {
    const about = { actor: 'service', userId, provider, connectionId: id };
    const subject = reason === null ? undefined : `reason:${reason}`;
    endings.inc({ provider, reason: reason ?? 'unknown' });
    await this.audit
      .record({ ...about, action: 'connection.needs_relink', outcome: 'success', subject })
      .catch(unlessMistake);
  }

  /** Notes that a connection which had ended works again. */
  async noteRecovery({ userId, provider, id }: ConnectionKey): Promise<void> {
    const about = { actor: 'service', userId, provider, connectionId: id };
    await this.audit.record({ ...about, action: 'connection.recovered', outcome: 'success' }).catch(unlessMistake);
  }

  /**
   * Notes a refresh whose tokens were found stored, unless whoever stored them has: it may have died in between.
   *
   * @param replaced - as for {@link note}
   * @param since - an instant before the tokens were stored
   * @returns whether there is an entry
   */
  async noteStored(replaced: ConnectionKey, since: Date): Promise<boolean> {
    const { userId, provider, id } = replaced;
    const { action, subject } = toEvent(replaced, 'refreshed');
    const from = new Date(since.getTime() - clockToleranceMs);
    try {
      const { entries } = await this.reader.find({ userId, provider, action, from }, maxEntries);
      const isNoted = entries.some((entry) => entry.connectionId === id && entry.subject === subject);
      return isNoted || (await this.note(replaced, 'refreshed'));
    } catch (error) {
      return unlessMistake(error);
    }
  }
}

function toEvent({ userId, provider, id, secretGen }: ConnectionKey, outcome: RefreshOutcome): AuditEvent {
  const about = { actor: 'service', userId, provider, connectionId: id };
  if (outcome === 'refreshed') {
    // By its number a token set that was noted twice, by two processes at the same moment, is seen to be one.
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
