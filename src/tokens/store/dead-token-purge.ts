import { Inject, Injectable } from '@nestjs/common';
import { BackgroundJobs } from '../../clock/background-jobs.js';
import { changeBatch } from '../../database/batch-of-rows.js';
import { Database } from '../../database/database.js';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';

/** Most rows that one statement changes, so that no statement holds locks for long. */
const maxRows = 1_000;
const pauseMs = 10 * 60 * 1_000;

const eraseDead = changeBatch(
  'connections-erase-dead',
  {
    table: 'connections',
    key: 'user_id, provider',
    condition: `status = 'needs_relink' AND sealed IS NOT NULL
      AND coalesce(ended_at, last_error_at) < now() - $1::float8 * interval '1 millisecond'`,
    order: 'coalesce(ended_at, last_error_at)',
    limit: '$2',
  },
  // With a new generation, so that nothing that was begun for the old one puts tokens back.
  (isInBatch) =>
    `UPDATE connections SET sealed = NULL, account_digest = NULL, refresh_due_at = NULL, secret_gen = secret_gen + 1
     WHERE ${isInBatch} RETURNING id`,
);

/**
 * Erases the tokens and the account of connections whose grants have been dead for long (LOG-09). The row stays, so
 * that the company still sees that the user must link again.
 */
@Injectable()
export class DeadTokenPurge {
  constructor(
    private readonly database: Database,
    jobs: BackgroundJobs,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {
    jobs.add('workers', { name: DeadTokenPurge.name, run: () => this.sweep() });
  }

  /**
   * Erases a batch of due tokens.
   *
   * @returns milliseconds until the next call; 0 while there is more
   * @throws {@link DatabaseUnavailableError}
   */
  async sweep(): Promise<number> {
    const erased = await this.database.query(eraseDead, [this.config.deadTokensKeptMs, maxRows]);
    return erased.length === maxRows ? 0 : pauseMs;
  }
}
