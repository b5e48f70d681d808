import { Injectable } from '@nestjs/common';
import { BackgroundJobs } from '../../clock/background-jobs.js';
import { Clock } from '../../clock/clock.js';
import { changeBatch } from '../../database/batch-of-rows.js';
import { Database } from '../../database/database.js';
import { announce, typesOf, withEvents } from '../../events/event-statement.js';
import type { ProviderDefinition } from '../../provider-kit/definition/provider-definition.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { byRefresh } from '../store/connection-events.js';

/** Time from the notice to the expiry of the refresh token, in milliseconds: long enough to ask the user. */
const noticeMs = 7 * 24 * 3_600_000;
/** Or this share of its lifetime, if that is less. A short lifetime that refreshes extend ends only if they fail. */
const noticeShare = 0.25;
/** Most rows that one statement changes, so that no statement holds locks for long. */
const maxRows = 500;
const pauseMs = 10 * 60_000;
/** Pause between checks of declared lifetimes, in milliseconds. They are months, and a check reads all connections. */
const declaredPauseMs = 6 * 3_600_000;

const told = (expiry: string, source: 'provider' | 'declared'): string =>
  `jsonb_build_object('expires_at', to_char(${expiry} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
     'expires_at_source', '${source}')`;

/** SQL: when the expiry of the refresh token last changed. */
const movedAt = 'coalesce(expiry_moved_at, linked_at)';

const announceExpiring = changeBatch(
  'connections-announce-expiring',
  {
    table: 'connections',
    key: 'user_id, provider',
    condition: `status = 'active' AND refresh_expires_at > $1 AND refresh_expires_at <= $2
      AND refresh_expires_at - $1::timestamptz <= (refresh_expires_at - ${movedAt}) * $4::float8
      AND expiry_announced IS DISTINCT FROM refresh_expires_at`,
    order: 'refresh_expires_at',
    limit: '$3',
  },
  (isInBatch) =>
    withEvents(
      `UPDATE connections SET expiry_announced = refresh_expires_at, ${announce(typesOf('connection.expiring'))}
       WHERE ${isInBatch}`,
      { origin: byRefresh, details: told('refresh_expires_at', 'provider') },
      'id',
    ),
);

/**
 * SQL: when a refresh token expires that has the declared life since its last use. Citus sets a column only by
 * operators that no setting of the session changes. The time zone does not change a sum without one.
 */
const declaredExpiry = `((coalesce(last_refreshed_at, linked_at) AT TIME ZONE 'UTC')
  + $4::float8 * interval '1 second') AT TIME ZONE 'UTC'`;

const announceDeclared = changeBatch(
  'connections-announce-declared-expiry',
  {
    table: 'connections',
    key: 'user_id, provider',
    condition: `provider = $5 AND status = 'active' AND refreshable AND refresh_expires_at IS NULL
      AND ${declaredExpiry} > $1 AND ${declaredExpiry} <= $2 AND expiry_announced IS DISTINCT FROM ${declaredExpiry}`,
    limit: '$3',
  },
  (isInBatch) =>
    withEvents(
      `UPDATE connections SET expiry_announced = ${declaredExpiry}, ${announce(typesOf('connection.expiring'))}
       WHERE ${isInBatch}`,
      { origin: byRefresh, details: told('expiry_announced', 'declared') },
      'id',
    ),
);

/**
 * Notifies the company of refresh tokens that expire within days, once for each expiry. The expiry is from the token
 * response, or follows from the lifetime that the provider publishes. If refreshes extend the token, the notice means
 * that they fail, or that nobody has used the connection. Otherwise only a new link helps.
 */
@Injectable()
export class ExpiryNotices {
  constructor(
    private readonly database: Database,
    private readonly registry: ProviderRegistry,
    private readonly clock: Clock,
    jobs: BackgroundJobs,
  ) {
    jobs.add('workers', { name: ExpiryNotices.name, run: () => this.sweep() });
    jobs.add('workers', { name: `${ExpiryNotices.name}: declared`, run: () => this.sweepDeclared() });
  }

  /**
   * Notifies of a batch of such connections whose expiry is from the token response.
   *
   * @returns milliseconds until the next call; 0 while there is more
   * @throws {@link DatabaseUnavailableError}
   */
  async sweep(): Promise<number> {
    const now = this.clock.now();
    const until = new Date(now.getTime() + noticeMs);
    const found = await this.database.query(announceExpiring, [now, until, maxRows, noticeShare]);
    return found.length === maxRows ? 0 : pauseMs;
  }

  /**
   * The same for a batch of each provider with a declared lifetime.
   *
   * @returns milliseconds until the next call; 0 while there is more
   * @throws {@link DatabaseUnavailableError}
   */
  async sweepDeclared(): Promise<number> {
    let isFull = false;
    for (const { definition } of this.registry.list()) {
      const idleSeconds = idleSecondsOf(definition);
      if (idleSeconds !== undefined) {
        const now = this.clock.now();
        const aheadMs = Math.min(noticeMs, idleSeconds * 1_000 * noticeShare);
        const values = [now, new Date(now.getTime() + aheadMs), maxRows, idleSeconds, definition.slug];
        const found = await this.database.query(announceDeclared, values);
        isFull = isFull || found.length === maxRows;
      }
    }
    return isFull ? 0 : declaredPauseMs;
  }
}

function idleSecondsOf(definition: ProviderDefinition): number | undefined {
  return definition.oauth === '2.0' ? definition.refresh.refreshTokenIdleSeconds : undefined;
}
