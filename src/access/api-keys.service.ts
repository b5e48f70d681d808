import { Injectable } from '@nestjs/common';
import { AuditTrail } from '../audit/audit-trail.js';
import { Database, type Statement } from '../database/database.js';
import { ApiKeyInvalidError } from '../errors/request.errors.js';
import { createApiKey, formatApiKey, hashApiKeySecret, isApiKeySecret, parseApiKey } from './api-key.js';
import { ApiKeyUse } from './api-key-use.js';
import type { Caller } from './caller.js';
import { isAccessScope, type AccessScope } from './scopes.js';

/** How long a key that was read is trusted without reading it again: a revoked key stops working within this time. */
const cacheMs = 5_000;
const maxCachedKeys = 1_000;
/** Compared with when there is no such key, so that the answer takes the same time. */
const noHash = Buffer.alloc(32);

/** What narrows a new key. */
export interface ApiKeyLimits {
  /** Slugs of the only providers it may use; all when absent. */
  readonly providers?: readonly string[] | undefined;
  /** How long it works, in milliseconds; for ever when absent. */
  readonly lifetimeMs?: number | undefined;
}

/** A key as the operator sees it. */
export interface ApiKeyListing {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly providers: readonly string[] | null;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  /** To the minute. */
  readonly lastUsedAt: Date | null;
}

interface KeyRow {
  secretHash: Buffer;
  scopes: string[];
  providers: string[] | null;
  /** `null` when it does not expire. */
  livesMs: number | null;
}

interface KnownKey {
  readonly secretHash: Buffer;
  readonly caller: Caller;
  /** By a clock that only runs forward. */
  readonly trustedUntil: number;
}

const isValid = 'revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())';

const statements = {
  find: {
    name: 'api-keys-find',
    text: `SELECT secret_hash AS "secretHash", scopes, providers,
             (extract(epoch FROM expires_at - now()) * 1000)::float8 AS "livesMs"
           FROM api_keys WHERE id = $1 AND ${isValid}`,
  },
  insert: {
    name: 'api-keys-insert',
    text: `INSERT INTO api_keys (id, name, secret_hash, scopes, providers, expires_at)
           VALUES ($1, $2, $3, $4, $5, now() + $6 * interval '1 millisecond')`,
  },
  list: {
    name: 'api-keys-list',
    text: `SELECT id, name, scopes, providers, created_at AS "createdAt", expires_at AS "expiresAt",
             revoked_at AS "revokedAt", last_used_at AS "lastUsedAt"
           FROM api_keys ORDER BY created_at, id`,
  },
  revoke: {
    name: 'api-keys-revoke',
    text: 'UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING id',
  },
  rotate: {
    name: 'api-keys-rotate',
    text: `WITH old AS (SELECT * FROM api_keys WHERE id = $1 AND ${isValid} FOR UPDATE),
           ended AS (
             UPDATE api_keys SET expires_at = least(old.expires_at, now() + $4 * interval '1 millisecond')
             FROM old WHERE api_keys.id = old.id
           )
           INSERT INTO api_keys (id, name, secret_hash, scopes, providers, expires_at)
           SELECT $2, name, $3, scopes, providers, now() + (expires_at - created_at) FROM old RETURNING id`,
  },
} satisfies Record<string, Statement>;

/** The API keys of the company's services. Only hashes are stored; a key is shown once, when it is made. */
@Injectable()
export class ApiKeysService {
  private readonly cache = new Map<string, KnownKey>();

  constructor(
    private readonly database: Database,
    private readonly use: ApiKeyUse,
    private readonly audit: AuditTrail,
  ) {}

  /**
   * Makes a key.
   *
   * @param name - what the operator calls it; 1 to 100 characters
   * @param scopes - what it may do
   * @param limits - with which providers, and for how long
   * @returns the key in text form; it cannot be read again
   */
  async create(name: string, scopes: readonly AccessScope[], limits: ApiKeyLimits = {}): Promise<string> {
    const { providers, lifetimeMs } = limits;
    const key = createApiKey();
    await this.record('api_key.created', key.id);
    const hash = hashApiKeySecret(key.secret);
    await this.database.query(statements.insert, [key.id, name, hash, scopes, providers ?? null, lifetimeMs ?? null]);
    return formatApiKey(key);
  }

  /** Returns all keys, the oldest first, those that have ended too. */
  list(): Promise<ApiKeyListing[]> {
    return this.database.query<ApiKeyListing>(statements.list);
  }

  /** Ends a key. Returns false when there is no such key or it was ended before. */
  async revoke(id: string): Promise<boolean> {
    this.cache.delete(id);
    const rows = await this.database.query(statements.revoke, [id]);
    if (rows.length === 0) {
      return false;
    }
    await this.record('api_key.revoked', id);
    return true;
  }

  /**
   * Makes a key that may do what another one may, with a life as long as that one was given, and lets the other one expire.
   *
   * @param id - of the key to be replaced
   * @param overlapMs - how long both work, in milliseconds; 0 ends the old one now
   * @returns the new key in text form; `undefined` when there is no such key or it has ended
   */
  async rotate(id: string, overlapMs: number): Promise<string | undefined> {
    this.cache.delete(id);
    const key = createApiKey();
    const hash = hashApiKeySecret(key.secret);
    const rows = await this.database.query(statements.rotate, [id, key.id, hash, overlapMs]);
    if (rows.length === 0) {
      return undefined;
    }
    await this.record('api_key.rotated', id);
    await this.record('api_key.created', key.id);
    return formatApiKey(key);
  }

  /**
   * Tells whose key this is.
   *
   * @param text - as sent in `Authorization: Bearer`
   * @throws {@link ApiKeyInvalidError} when it is malformed, unknown, expired or revoked; the answer does not tell which
   */
  async authenticate(text: string): Promise<Caller> {
    const key = parseApiKey(text);
    const known = key === undefined ? undefined : await this.find(key.id);
    const matches = isApiKeySecret(key?.secret ?? '', known?.secretHash ?? noHash);
    if (key === undefined || known === undefined || !matches) {
      throw new ApiKeyInvalidError(
        'The API key is not valid. Send a key of this deployment as "Authorization: Bearer <key>".',
      );
    }
    this.use.note(key.id);
    return known.caller;
  }

  /** Tells whether a key with this id was valid here before, without looking it up. */
  knows(id: string): boolean {
    return this.cache.has(id);
  }

  /** Keys are made and ended on the command line only. */
  private record(action: 'api_key.created' | 'api_key.rotated' | 'api_key.revoked', id: string): Promise<void> {
    return this.audit.record({ action, outcome: 'success', actor: 'cli', subject: `api-key:${id}` });
  }

  private async find(id: string): Promise<KnownKey | undefined> {
    const cached = this.cache.get(id);
    const askedAt = performance.now();
    if (cached !== undefined && askedAt < cached.trustedUntil) {
      return cached;
    }
    const [row] = await this.database.query<KeyRow>(statements.find, [id]);
    this.cache.delete(id);
    if (row === undefined) {
      return undefined;
    }
    if (this.cache.size >= maxCachedKeys) {
      this.cache.clear();
    }
    const { secretHash, scopes, providers, livesMs } = row;
    const caller: Caller = {
      actor: `api-key:${id}`,
      scopes: new Set(scopes.filter(isAccessScope)),
      providers: providers === null ? undefined : new Set(providers),
      userId: undefined,
    };
    const known = { secretHash, caller, trustedUntil: askedAt + Math.min(cacheMs, livesMs ?? Infinity) };
    this.cache.set(id, known);
    return known;
  }
}
