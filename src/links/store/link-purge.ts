import { Injectable } from '@nestjs/common';
import { BackgroundJobs } from '../../clock/background-jobs.js';
import { Database, type Statement } from '../../database/database.js';

/** The most rows of each table that one statement deletes, so that none holds locks for long. */
const maxRows = 1_000;
const pauseMs = 10 * 60 * 1_000;

const deleteOld: Statement = {
  name: 'links-delete-old',
  text: `WITH old_links AS (
           DELETE FROM links WHERE state_hash IN (
             SELECT state_hash FROM links WHERE created_at < now() - interval '24 hours' LIMIT $1 FOR UPDATE SKIP LOCKED)
           RETURNING 1),
         old_sessions AS (
           DELETE FROM link_sessions WHERE token_hash IN (
             SELECT token_hash FROM link_sessions WHERE created_at < now() - interval '24 hours'
             LIMIT $1 FOR UPDATE SKIP LOCKED)
           RETURNING 1)
         SELECT greatest((SELECT count(*) FROM old_links), (SELECT count(*) FROM old_sessions))::int AS deleted`,
};

/**
 * Deletes links and link sessions a day after they began, so that their tables stay as small as a day (AR-25, LOG-09).
 */
@Injectable()
export class LinkPurge {
  constructor(
    private readonly database: Database,
    jobs: BackgroundJobs,
  ) {
    jobs.add('everywhere', { name: LinkPurge.name, run: () => this.sweep() });
  }

  /**
   * Deletes a batch of old rows.
   *
   * @returns milliseconds until the next call; 0 while there is more
   * @throws {@link DatabaseUnavailableError}
   */
  async sweep(): Promise<number> {
    const [row] = await this.database.query<{ deleted: number }>(deleteOld, [maxRows]);
    return row?.deleted === maxRows ? 0 : pauseMs;
  }
}
