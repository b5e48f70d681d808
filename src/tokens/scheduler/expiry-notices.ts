import { Injectable } from '@nestjs/common';
import { BackgroundJobs } from '../../clock/background-jobs.js';
import { Clock } from '../../clock/clock.js';
import { Database, type Statement } from '../../database/database.js';
import { announce, typesOf, withEvents } from '../../events/event-statement.js';
import { byRefresh } from '../store/connection-events.js';

/** How long before the refresh token expires the company is told, in milliseconds: time enough to ask the user. */
const noticeMs = 7 * 24 * 3_600_000;
/** Most rows that one statement changes, so that no statement holds locks for long. */
const maxRows = 500;
const pauseMs = 10 * 60_000;

const announceExpiring: Statement = {
  name: 'connections-announce-expiring',
  text: withEvents(
    `UPDATE connections SET expiry_announced = refresh_expires_at, ${announce(typesOf('connection.expiring'))}
     WHERE (user_id, provider) IN (
       SELECT user_id, provider FROM connections
       WHERE status = 'active' AND refresh_expires_at > $1 AND refresh_expires_at <= $2
         AND expiry_announced IS DISTINCT FROM refresh_expires_at
       ORDER BY refresh_expires_at LIMIT $3 FOR UPDATE SKIP LOCKED)`,
    {
      origin: byRefresh,
      details: `jsonb_build_object('expires_at', to_char(refresh_expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`,
    },
    'id',
  ),
};

/**
 * Tells the company of refresh tokens that expire within days, once for each expiry. Where a refresh extends the token, this
 * means that refreshes fail or that nobody has used the connection; elsewhere only a new link helps.
 */
@Injectable()
export class ExpiryNotices {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    jobs: BackgroundJobs,
  ) {
    jobs.add('workers', { name: ExpiryNotices.name, run: () => this.sweep() });
  }

  /**
   * Tells of a batch of such connections.
   *
   * @returns milliseconds until the next call; 0 while there is more
   * @throws {@link DatabaseUnavailableError}
   */
  async sweep(): Promise<number> {
    const now = this.clock.now();
    const told = await this.database.query(announceExpiring, [now, new Date(now.getTime() + noticeMs), maxRows]);
    return told.length === maxRows ? 0 : pauseMs;
  }
}
