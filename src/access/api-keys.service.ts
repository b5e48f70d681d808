import { Inject, Injectable, Logger } from '@nestjs/common';
import { AuditTrail } from '../audit/audit-trail.js';
import { ApiKeyInvalidError } from '../errors/request.errors.js';
import type { BoundValue } from '../vault/associated-data.js';
import { VaultService } from '../vault/vault.service.js';
import { createApiKey, formatApiKey, hashApiKeySecret, isApiKeySecret, parseApiKey } from './api-key.js';
import { ApiKeyStore, type ApiKeyListing, type ApiKeyTerms, type StoredApiKey } from './api-key-store.js';
import { ApiKeyUse } from './api-key-use.js';
import { apiKeysConfig, type ApiKeysConfig } from './api-keys.config.js';
import type { Caller } from './caller.js';
import { isAccessScope, type AccessScope } from './scopes.js';

/** Time until a key is read again. A revoked key stops working within this time. */
const cacheMs = 5_000;
const maxCachedKeys = 1_000;
/** Compared when there is no such key, so that the response takes the same time. */
const noHash = Buffer.alloc(32);

/** Restrictions of a new key. */
export interface ApiKeyLimits {
  /** Slugs of the only providers it may use; all when absent. */
  readonly providers?: readonly string[] | undefined;
  /** Lifetime in milliseconds; unlimited when absent. */
  readonly lifetimeMs?: number | undefined;
}

interface KnownKey {
  readonly secretHash: Buffer;
  /** `undefined` when the row is refused. */
  readonly caller: Caller | undefined;
  /** By the monotonic clock. */
  readonly trustedUntil: number;
}

/**
 * Whether a row is as this service wrote it. `altered` rows are never used. The operator's setting decides about
 * `unbound` ones.
 */
type Binding = 'bound' | 'unbound' | 'altered';

/**
 * The API keys of the company's services. Only hashes are stored; a key is shown once, when it is made. A MAC binds its
 * row to its rights, so that nobody can make or widen a key by a write to the database (AR-27).
 */
@Injectable()
export class ApiKeysService {
  private readonly logger = new Logger(ApiKeysService.name);
  private readonly cache = new Map<string, KnownKey>();
  /** Rows that are being read, each once for all calls that come with its id. */
  private readonly reading = new Map<string, Promise<KnownKey | undefined>>();

  constructor(
    private readonly store: ApiKeyStore,
    private readonly use: ApiKeyUse,
    private readonly audit: AuditTrail,
    private readonly vault: VaultService,
    @Inject(apiKeysConfig.KEY) private readonly config: ApiKeysConfig,
  ) {}

  /**
   * Makes a key.
   *
   * @param name - the operator's name for it; 1 to 100 characters
   * @param scopes - its rights
   * @param limits - its providers and its lifetime
   * @returns the key in text form; it cannot be read again
   */
  async create(name: string, scopes: readonly AccessScope[], limits: ApiKeyLimits = {}): Promise<string> {
    const { providers, lifetimeMs } = limits;
    const key = createApiKey();
    await this.record('api_key.created', key.id);
    const life = await this.store.readLife(lifetimeMs ?? null);
    const terms = {
      id: key.id,
      name,
      secretHash: hashApiKeySecret(key.secret),
      scopes,
      providers: providers ?? null,
      ...life,
    };
    await this.store.insert(terms, this.sign(terms));
    return formatApiKey(key);
  }

  /** Returns all keys, also ended ones, the oldest first. */
  list(): Promise<ApiKeyListing[]> {
    return this.store.list();
  }

  /** Ends a key. Returns false when there is no such key or it was ended before. */
  async revoke(id: string): Promise<boolean> {
    this.cache.delete(id);
    if (!(await this.store.revoke(id))) {
      return false;
    }
    await this.record('api_key.revoked', id);
    return true;
  }

  /**
   * Replaces a key by a new one with the same rights and the same lifetime. The old key expires.
   *
   * @param id - of the key to be replaced
   * @param overlapMs - how long both work, in milliseconds; 0 ends the old one now
   * @returns the new key in text form; `undefined` when there is no such key or it has ended
   * @throws Error when the key is not bound, or its row was altered, because its successor would have the same rights
   */
  async rotate(id: string, overlapMs: number): Promise<string | undefined> {
    this.cache.delete(id);
    const former = await this.store.find(id);
    if (former === undefined) {
      return undefined;
    }
    const binding = await this.bindingOf(former);
    if (binding !== 'bound') {
      throw new Error(
        binding === 'unbound'
          ? `Key ${id} is not bound to its permissions. Check the key, run "api-keys bind ${id}", then rotate it.`
          : `The row of key ${id} was changed outside this service. Revoke the key and create a new one.`,
      );
    }
    const key = createApiKey();
    const { formerExpiresAt, ...life } = await this.store.readRotation(former, overlapMs);
    const { name, scopes, providers } = former;
    const terms = { id: key.id, name, secretHash: hashApiKeySecret(key.secret), scopes, providers, ...life };
    const end = { expiresAt: formerExpiresAt, mac: this.sign({ ...former, expiresAt: formerExpiresAt }) };
    if (!(await this.store.rotate(terms, this.sign(terms), former, end))) {
      return undefined;
    }
    await this.record('api_key.rotated', id);
    await this.record('api_key.created', key.id);
    return formatApiKey(key);
  }

  /**
   * Binds keys of an earlier version to the present content of their rows. Check the rows first: a row that somebody
   * has inserted becomes a valid key.
   *
   * @param ids - of the keys; every key in use that was never bound when absent
   * @returns the keys that were bound
   */
  async bind(ids?: readonly string[]): Promise<ApiKeyTerms[]> {
    const unbound = (await this.store.listValid()).filter(({ mac }) => mac === null);
    const wanted = unbound.filter(({ id }) => ids === undefined || ids.includes(id));
    const bound: ApiKeyTerms[] = [];
    for (const key of wanted) {
      await this.record('api_key.bound', key.id);
      if (await this.store.bind(key.id, this.sign(key))) {
        bound.push(key);
      }
    }
    return bound;
  }

  /**
   * Returns the caller of a key.
   *
   * @param text - as sent in `Authorization: Bearer`
   * @throws {@link ApiKeyInvalidError} when it is malformed, unknown, expired or revoked; the response does not say
   *   which
   */
  async authenticate(text: string): Promise<Caller> {
    const key = parseApiKey(text);
    const known = key === undefined ? undefined : await this.find(key.id);
    const matches = isApiKeySecret(key?.secret ?? '', known?.secretHash ?? noHash);
    if (key === undefined || known?.caller === undefined || !matches) {
      throw new ApiKeyInvalidError(
        'The API key is not valid: it may be mistyped, expired or revoked. Send a valid key as "Authorization: Bearer <key>".',
      );
    }
    this.use.note(key.id);
    return known.caller;
  }

  /** Returns the caller of a key that was authenticated before; `undefined` when it is not valid any more. */
  async findCaller(id: string): Promise<Caller | undefined> {
    return (await this.find(id))?.caller;
  }

  /** Tells whether a key with this id was valid here before, without looking it up. */
  knows(id: string): boolean {
    return this.cache.has(id);
  }

  /** Keys are made and ended on the command line only. */
  private record(
    action: 'api_key.created' | 'api_key.rotated' | 'api_key.revoked' | 'api_key.bound',
    id: string,
  ): Promise<void> {
    return this.audit.record({ action, outcome: 'success', actor: 'cli', subject: `api-key:${id}` });
  }

  private async find(id: string): Promise<KnownKey | undefined> {
    const cached = this.cache.get(id);
    if (cached !== undefined && performance.now() < cached.trustedUntil) {
      return cached;
    }
    const reading = this.reading.get(id) ?? this.read(id).finally(() => this.reading.delete(id));
    this.reading.set(id, reading);
    return reading;
  }

  private async read(id: string): Promise<KnownKey | undefined> {
    const askedAt = performance.now();
    const row = await this.store.find(id);
    this.cache.delete(id);
    if (row === undefined) {
      return undefined;
    }
    const isUsable = await this.isUsable(row);
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
    const trustedUntil = askedAt + Math.min(cacheMs, livesMs ?? Infinity);
    const known = { secretHash, caller: isUsable ? caller : undefined, trustedUntil };
    this.cache.set(id, known);
    return known;
  }

  /**
   * Whether a row may be used. An altered row is audited each time that it is read. That is every few seconds at most,
   * even if many calls name it.
   */
  private async isUsable(row: StoredApiKey): Promise<boolean> {
    const binding = await this.bindingOf(row);
    if (binding === 'altered') {
      this.logger.error(
        `The row of API key ${row.id} was changed outside this service: somebody wrote to the database. The key is rejected. ` +
          'Revoke it and create a new one.',
      );
      const entry = { action: 'access.denied', outcome: 'failed', code: 'TOKEN_UNREADABLE' } as const;
      // The caller is refused in any case, even if this is not written.
      await this.audit
        .record({ ...entry, actor: 'service', subject: `api-key:${row.id}` })
        .catch((failure: unknown) => this.logger.error(failure));
    }
    return binding === 'bound' || (binding === 'unbound' && this.config.acceptUnbound);
  }

  private async bindingOf(row: StoredApiKey): Promise<Binding> {
    if (row.mac === null) {
      return 'unbound';
    }
    return (await this.vault.isSignedRow('api_keys.mac', toRow(row), row.mac)) ? 'bound' : 'altered';
  }

  private sign(terms: ApiKeyTerms): Buffer {
    return this.vault.signRow('api_keys.mac', toRow(terms));
  }
}

function toRow({ id, name, secretHash, scopes, providers, createdAt, expiresAt }: ApiKeyTerms): BoundValue[] {
  return [id, name, secretHash, scopes, providers, createdAt, expiresAt];
}
