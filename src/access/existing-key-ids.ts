import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';

/** Time for which an unknown id is not looked up again. */
const rememberedMs = 5_000;

const findIds: Statement = {
  name: 'api-keys-existing-ids',
  text: 'SELECT id FROM api_keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())',
};

/**
 * The ids of existing API keys, as of at most five seconds ago. In that time any number of made-up keys costs the
 * database one statement.
 */
@Injectable()
export class ExistingKeyIds {
  private ids: ReadonlySet<string> = new Set();
  private readAt = -Infinity;
  private reading: Promise<void> | undefined;

  constructor(private readonly database: Database) {}

  /**
   * Tells whether there is a key with this id. A key younger than five seconds may be missing.
   *
   * @throws {@link DatabaseUnavailableError}
   */
  async include(id: string): Promise<boolean> {
    if (performance.now() - this.readAt > rememberedMs) {
      this.reading ??= this.read();
      await this.reading;
    }
    return this.ids.has(id);
  }

  private async read(): Promise<void> {
    const askedAt = performance.now();
    try {
      const rows = await this.database.query<{ id: string }>(findIds);
      this.ids = new Set(rows.map(({ id }) => id));
      this.readAt = askedAt;
    } finally {
      this.reading = undefined;
    }
  }
}
