import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import { ApiKeyInvalidError } from '../errors/request.errors.js';
import { createApiKey, formatApiKey, hashApiKeySecret, isApiKeySecret, parseApiKey } from './api-key.js';
import { isAccessScope, type AccessScope } from './scopes.js';

/** How long a key that was read is trusted without reading it again: a revoked key stops working within this time. */
const cacheMs = 5_000;
const maxCachedKeys = 1_000;
/** Compared with when there is no such key, so that the answer takes the same time. */
const noHash = Buffer.alloc(32);

/** Who calls. */
export interface Caller {
  readonly apiKeyId: string;
  readonly scopes: ReadonlySet<AccessScope>;
}

/** A key as the operator sees it. */
export interface ApiKeyListing {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

interface KeyRow {
  secretHash: Buffer;
  scopes: string[];
}

const statements = {
  find: {
    name: 'api-keys-find',
    text: 'SELECT secret_hash AS "secretHash", scopes FROM api_keys WHERE id = $1 AND revoked_at IS NULL',
  },
  insert: {
    name: 'api-keys-insert',
    text: 'INSERT INTO api_keys (id, name, secret_hash, scopes) VALUES ($1, $2, $3, $4)',
  },
  list: {
    name: 'api-keys-list',
    text: `SELECT id, name, scopes, created_at AS "createdAt", revoked_at AS "revokedAt" FROM api_keys ORDER BY created_at, id`,
  },
  revoke: {
    name: 'api-keys-revoke',
    text: 'UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING id',
  },
} satisfies Record<string, Statement>;

/** The API keys of the company's services. Only hashes are stored; a key is shown once, when it is made. */
@Injectable()
export class ApiKeysService {
  private readonly cache = new Map<string, { row: KeyRow; readAt: number }>();

  constructor(private readonly database: Database) {}

  /**
   * Makes a key.
   *
   * @param name - what the operator calls it; 1 to 100 characters
   * @param scopes - what it may do
   * @returns the key in text form; it cannot be read again
   */
  async create(name: string, scopes: readonly AccessScope[]): Promise<string> {
    const key = createApiKey();
    await this.database.query(statements.insert, [key.id, name, hashApiKeySecret(key.secret), scopes]);
    return formatApiKey(key);
  }

  /** Returns all keys, the oldest first. */
  list(): Promise<ApiKeyListing[]> {
    return this.database.query<ApiKeyListing>(statements.list);
  }

  /** Ends a key. Returns false when there is no such key or it has ended before. */
  async revoke(id: string): Promise<boolean> {
    this.cache.delete(id);
    const rows = await this.database.query(statements.revoke, [id]);
    return rows.length === 1;
  }

  /**
   * Tells whose key this is.
   *
   * @param text - as sent in `Authorization: Bearer`
   * @throws {@link ApiKeyInvalidError} when it is malformed, unknown or revoked; the answer does not tell which
   */
  async authenticate(text: string): Promise<Caller> {
    const key = parseApiKey(text);
    const row = key === undefined ? undefined : await this.find(key.id);
    const matches = isApiKeySecret(key?.secret ?? '', row?.secretHash ?? noHash);
    if (key === undefined || row === undefined || !matches) {
      throw new ApiKeyInvalidError(
        'The API key is not valid. Send a key of this deployment as "Authorization: Bearer <key>".',
      );
    }
    return { apiKeyId: key.id, scopes: new Set(row.scopes.filter(isAccessScope)) };
  }

  private async find(id: string): Promise<KeyRow | undefined> {
    const cached = this.cache.get(id);
    if (cached !== undefined && performance.now() - cached.readAt < cacheMs) {
      return cached.row;
    }
    const readAt = performance.now();
    const [row] = await this.database.query<KeyRow>(statements.find, [id]);
    this.cache.delete(id);
    if (row !== undefined) {
      if (this.cache.size >= maxCachedKeys) {
        this.cache.clear();
      }
      this.cache.set(id, { row, readAt });
    }
    return row;
  }
}
