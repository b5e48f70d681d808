import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import { BackgroundLoop } from '../clock/background-loop.js';

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

/** Deletes links and link sessions a day after they began, so that their tables stay as small as a day (AR-25, LOG-09). */
@Injectable()
export class LinkPurge implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loop = new BackgroundLoop(LinkPurge.name, () => this.sweep());

  constructor(private readonly database: Database) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop();
  }

  /**
   * Deletes some of what is old.
   *
   * @returns after how many milliseconds to do it again: none while there is more
   * @throws {@link DatabaseUnavailableError}
   */
  async sweep(): Promise<number> {
    const [row] = await this.database.query<{ deleted: number }>(deleteOld, [maxRows]);
    return row?.deleted === maxRows ? 0 : pauseMs;
  }
}
