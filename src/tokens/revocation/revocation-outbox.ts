import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import type { BackgroundJob } from '../../clock/background-job.js';
import { BackgroundJobs } from '../../clock/background-jobs.js';
import { Clock } from '../../clock/clock.js';
import { Database, type Statement } from '../../database/database.js';
import { AppError, codeOf } from '../../errors/app-error.js';
import { type Removal, writeRemoval } from '../../events/event-statement.js';
import { TokenUnreadableError } from '../../errors/connection.errors.js';
import type { ErrorCode } from '../../errors/error-code.js';
import { ProviderUnavailableError, TokenRevokedError } from '../../errors/provider.errors.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { successorOf } from '../../provider-kit/definition/lifecycle.js';
import { ProviderLifecycle } from '../../provider-kit/definition/provider-lifecycle.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { isRegistrationAt } from '../../provider-kit/registration.js';
import { VaultService } from '../../vault/vault.service.js';
import { backoffDelayMs, revocationBackoff } from '../policy/backoff.js';
import { ConnectionStore } from '../store/connection-store.js';
import type { StoredConnection } from '../store/stored-connection.js';
import { isSameAccount, AccountRules } from '../accounts/account-rules.js';
import { parseTokenSet, toTokenSet, type TokenSet } from '../token-set.js';
import { TokenVault } from '../store/token-vault.js';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';
import { revocations } from '../tokens.metrics.js';

/**
 * An attempt that has not finished after this was lost with its process. Longer than a refresh and a revocation
 * together.
 */
const leaseSeconds = 60;
/** How long the response to a refresh is read, in milliseconds: a revocation fits in behind it before the lease ends. */
const patienceMs = 40_000;
/** Entries processed at a time. */
const batchSize = 20;
/** Longest pause between checks of the outbox, in milliseconds. */
const longestPauseMs = 15_000;

/** The code that an entry records for HTTP 410, and how long after it a second 410 counts, in milliseconds. */
const goneCode: ErrorCode = 'PROVIDER_RETIRED';
const goneMs = 3_600_000;

/** Entries decrypted at a time to find those of one user. */
const pageSize = 500;

const lease = `now() + interval '${leaseSeconds} seconds'`;
const columns = `id, user_id AS "connectionId", provider, registration_id AS "registrationId", sealed, attempts,
  (extract(epoch FROM now() - created_at) * 1000)::float8 AS "ageMs", last_error_code AS "lastErrorCode"`;

const statements = {
  moveOut: {
    name: 'revocations-move-out',
    text: `WITH removed AS (
             DELETE FROM connections WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4
             RETURNING user_id, provider, id, event_sequence, registration_id
           ), told AS (${writeRemoval('removed', { source: '$7', eventId: '$8', sealed: '$9' })})
           INSERT INTO revocations (id, user_id, provider, registration_id, sealed, due_at)
           SELECT $5, id::text, provider, registration_id, $6, ${lease} FROM removed RETURNING ${columns}`,
  },
  add: {
    name: 'revocations-add',
    text: `INSERT INTO revocations (id, user_id, provider, registration_id, sealed, due_at)
           VALUES ($1, $2, $3, $4, $5, ${lease}) RETURNING ${columns}`,
  },
  takeDue: {
    name: 'revocations-take-due',
    text: `UPDATE revocations SET attempts = attempts + 1, due_at = ${lease}
           WHERE id IN (SELECT id FROM revocations WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
           RETURNING ${columns}`,
  },
  replace: { name: 'revocations-replace', text: 'UPDATE revocations SET sealed = $2 WHERE id = $1' },
  postpone: {
    name: 'revocations-postpone',
    text: `UPDATE revocations SET due_at = now() + $2::float8 * interval '1 millisecond', last_error_code = $3 WHERE id = $1`,
  },
  remove: { name: 'revocations-remove', text: 'DELETE FROM revocations WHERE id = $1' },
  page: {
    name: 'revocations-page',
    text: `SELECT ${columns}, created_at AS "createdAt", due_at AS "dueAt" FROM revocations WHERE id > $1 ORDER BY id LIMIT $2`,
  },
  nextDue: {
    name: 'revocations-next-due',
    text: 'SELECT (extract(epoch FROM min(due_at) - now()) * 1000)::float8 AS "inMs" FROM revocations',
  },
} satisfies Record<string, Statement>;

/** A grant to revoke, with its tokens sealed. */
export interface RevocationEntry {
  readonly id: string;
  /** Id of the removed connection, or of the failed link. */
  readonly connectionId: string;
  readonly provider: string;
  readonly registrationId: string;
  readonly sealed: Buffer;
  /** Attempts started, including this one. */
  readonly attempts: number;
  readonly ageMs: number;
  readonly lastErrorCode: string | null;
}

/** A grant of a user that is not revoked yet, without its tokens. */
export interface PendingRevocation {
  readonly provider: string;
  readonly connectionId: string;
  readonly providerUserId: string | undefined;
  readonly createdAt: Date;
  /** When the next attempt may be made. */
  readonly dueAt: Date;
  readonly attempts: number;
  readonly lastErrorCode: string | null;
}

/** The connection that a grant belonged to, or the link that brought it. */
export type GrantOwner = Pick<StoredConnection, 'id' | 'userId' | 'provider' | 'registrationId'>;

type EntryKey = Pick<RevocationEntry, 'id' | 'connectionId' | 'registrationId'>;

/** What is sealed into an entry. */
interface Payload {
  readonly userId: string;
  readonly tokens: TokenSet;
}

const payloadSchema = z.object({ userId: z.string(), tokens: z.unknown() });

/**
 * Outcome of a revocation at the provider. `left`: not revoked, because it would also end an active connection.
 * `pending`: it will be retried.
 */
export const revocationOutcomes = ['revoked', 'left', 'unsupported', 'pending', 'failed'] as const;

export type RevocationOutcome = (typeof revocationOutcomes)[number];

/**
 * Revokes grants at their providers, through outages of providers and crashes of processes (TE-10).
 *
 * The statement that removes the connection also writes the entry. So no crash can leave a grant that nobody revokes,
 * or revoke one whose connection still exists. The user's id is only inside the sealed value: an entry may outlive the
 * user (LOG-08). One process at a time makes an attempt. An entry that cannot be completed in time is erased and
 * reported.
 */
@Injectable()
export class RevocationOutbox {
  private readonly logger = new Logger(RevocationOutbox.name);
  private readonly job: BackgroundJob;

  constructor(
    private readonly database: Database,
    private readonly vault: VaultService,
    private readonly registry: ProviderRegistry,
    private readonly store: ConnectionStore,
    private readonly tokenVault: TokenVault,
    private readonly accounts: AccountRules,
    private readonly lifecycle: ProviderLifecycle,
    private readonly clock: Clock,
    jobs: BackgroundJobs,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {
    this.job = jobs.add('workers', { name: RevocationOutbox.name, run: () => this.step() });
  }

  /** Processes due entries now, and from now on in this process. */
  processNow(): void {
    this.job.start();
    this.job.wake();
  }

  /**
   * Removes a connection and keeps its tokens until its grant is revoked, in one statement. The caller then makes the
   * first {@link attempt}.
   *
   * @param removal - for the event
   * @returns the entry, or `undefined` when the row holds another token set or was removed
   * @throws {@link DatabaseUnavailableError} when it is unknown whether the statement ran; it ran as a whole or not at
   *   all
   */
  async moveOut(
    connection: StoredConnection,
    tokens: TokenSet,
    removal: Removal,
  ): Promise<RevocationEntry | undefined> {
    const { userId, provider, secretGen } = connection;
    const id = randomUUID();
    const sealed = this.sealNew(id, connection, tokens);
    const values = [userId, provider, connection.id, secretGen, id, sealed];
    const [entry] = await this.database.query<RevocationEntry>(statements.moveOut, [
      ...values,
      removal.source,
      removal.eventId,
      removal.sealed,
    ]);
    return entry;
  }

  /**
   * Keeps tokens that belong to no connection: their connection was removed, has other tokens, or was never made by a
   * failed link. The caller may make the first {@link attempt}.
   *
   * @throws {@link DatabaseUnavailableError} when the tokens could not be kept
   */
  async add(connection: GrantOwner, tokens: TokenSet): Promise<RevocationEntry> {
    const { id: connectionId, provider, registrationId } = connection;
    const id = randomUUID();
    const sealed = this.sealNew(id, connection, tokens);
    const [entry] = await this.database.query<RevocationEntry>(statements.add, [
      id,
      connectionId,
      provider,
      registrationId,
      sealed,
    ]);
    if (entry === undefined) {
      throw new Error('The revocation could not be stored.');
    }
    return entry;
  }

  /**
   * Tries to revoke the grant of an entry, and records the outcome. An unfinished entry stays in the outbox. The caller does
   * not wait for an overdue response: the outcome is `pending` then, and the attempt continues.
   */
  attempt(entry: RevocationEntry): Promise<RevocationOutcome> {
    return new Promise((resolve, reject) => {
      this.work(entry, () => resolve('pending')).then(resolve, reject);
    });
  }

  private async work(entry: RevocationEntry, onOverdue: () => void): Promise<RevocationOutcome> {
    try {
      const outcome = await this.revoke(entry, onOverdue);
      revocations.inc({ provider: entry.provider, outcome });
      await this.remove(entry);
      return outcome;
    } catch (error) {
      return await this.postpone(entry, error);
    }
  }

  /**
   * Returns the entries of a user. Only the sealed value names the user, so all entries are decrypted. There are few
   * unless a provider is unavailable.
   *
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError}
   */
  async listOfUser(userId: string): Promise<PendingRevocation[]> {
    const found: PendingRevocation[] = [];
    let after = '00000000-0000-0000-0000-000000000000';
    for (;;) {
      const values = [after, pageSize];
      const page = await this.database.query<RevocationEntry & { createdAt: Date; dueAt: Date }>(
        statements.page,
        values,
      );
      for (const entry of page) {
        const payload = await this.openIfReadable(entry);
        if (payload?.userId === userId) {
          const { provider, connectionId, createdAt, dueAt, attempts, lastErrorCode } = entry;
          const { providerUserId } = payload.tokens;
          found.push({ provider, connectionId, providerUserId, createdAt, dueAt, attempts, lastErrorCode });
        }
        after = entry.id;
      }
      if (page.length < pageSize) {
        return found;
      }
    }
  }

  private async openIfReadable(entry: RevocationEntry): Promise<Payload | undefined> {
    try {
      return await this.open(entry);
    } catch (error) {
      if (error instanceof TokenUnreadableError) {
        return undefined;
      }
      throw error;
    }
  }

  /** @throws {@link TokenUnreadableError} when the entry does not open, or was moved to another provider */
  private async open(entry: RevocationEntry): Promise<Payload> {
    if (!isRegistrationAt(entry.registrationId, entry.provider)) {
      throw new TokenUnreadableError(`revocation ${entry.id} was moved to ${entry.provider}`);
    }
    return parsePayload(await this.vault.open(entry.sealed, toContext(entry)));
  }

  private async revoke(entry: RevocationEntry, onOverdue: () => void): Promise<'revoked' | 'left' | 'unsupported'> {
    const provider = this.registry.get(entry.provider);
    if (this.lifecycle.isRetired(provider)) {
      return 'unsupported';
    }
    const context = toContext(entry);
    const { userId, tokens } = await this.open(entry);
    if (await this.isInUse(entry, provider, userId, tokens)) {
      this.logger.warn(`Revocation ${entry.id} is discarded: it would also end another connection of the account.`);
      return 'left';
    }
    if (!this.needsRefresh(entry, provider, tokens)) {
      return provider.revoke(tokens);
    }
    try {
      const patience = { onOverdue, signal: AbortSignal.timeout(patienceMs) };
      const fresh = toTokenSet(await provider.refresh(tokens, patience), tokens);
      await this.database.query(statements.replace, [entry.id, this.vault.seal({ userId, tokens: fresh }, context)]);
      return await provider.revoke(fresh);
    } catch (error) {
      if (error instanceof TokenRevokedError) {
        // Then the grant has ended already.
        return 'revoked';
      }
      throw error;
    }
  }

  /** Where only a working access token can end a grant, one that has expired or was refused is refreshed first. */
  private needsRefresh(entry: RevocationEntry, { definition }: HealthProvider, tokens: TokenSet): boolean {
    const proof = definition.revocation?.proof;
    if (tokens.refreshToken === undefined || (proof !== 'bearer' && proof !== 'query')) {
      return false;
    }
    const hasExpired = tokens.expiresAt !== undefined && tokens.expiresAt <= this.clock.now();
    const wasAway = ['PROVIDER_UNAVAILABLE', 'PROVIDER_RATE_LIMITED', goneCode, null].includes(entry.lastErrorCode);
    return hasExpired || !wasAway;
  }

  /**
   * Many providers keep one grant for each account: revoking it would end a new link of the user, or another user's
   * connection.
   */
  private async isInUse(
    { attempts, registrationId }: RevocationEntry,
    provider: HealthProvider,
    userId: string,
    tokens: TokenSet,
  ): Promise<boolean> {
    const { slug, lifecycle } = provider.definition;
    const successor = successorOf(lifecycle);
    return (
      (attempts > 1 && (await this.mayHaveAccount(userId, slug, tokens))) ||
      // Who exchanges grants for a successor's may end both at once.
      (provider.exchangeGrant !== undefined &&
        successor !== undefined &&
        (await this.mayHaveAccount(userId, successor, tokens))) ||
      this.accounts.isOfAnother({ userId, registrationId }, tokens)
    );
  }

  /** Whether the user's connection to a provider is of the account of these tokens, as far as anybody knows. */
  private async mayHaveAccount(userId: string, slug: string, tokens: TokenSet): Promise<boolean> {
    const current = await this.store.find(userId, slug);
    if (current === undefined || current.sealed === null) {
      return false;
    }
    const currentTokens = await this.tokenVault.open(current);
    const isKnown = currentTokens.providerUserId !== undefined && tokens.providerUserId !== undefined;
    return !isKnown || isSameAccount(currentTokens, tokens);
  }

  private async postpone(entry: RevocationEntry, error: unknown): Promise<RevocationOutcome> {
    const isGone = error instanceof ProviderUnavailableError && error.isGone;
    if (isGone && entry.lastErrorCode === goneCode) {
      // Said twice, an hour apart: nothing is left there that could end a grant.
      revocations.inc({ provider: entry.provider, outcome: 'unsupported' });
      await this.remove(entry);
      return 'unsupported';
    }
    const code = isGone ? goneCode : codeOf(error);
    const retryAfterMs = error instanceof AppError ? (error.retryAfterSeconds ?? 0) * 1_000 : 0;
    const pauseMs = isGone ? goneMs : backoffDelayMs(entry.attempts, revocationBackoff, 0.5 + Math.random() / 2);
    const delayMs = Math.max(retryAfterMs, pauseMs);
    if (!(error instanceof AppError)) {
      this.logger.error(error);
    }
    if (entry.ageMs + delayMs > this.config.revocationGiveUpMs) {
      revocations.inc({ provider: entry.provider, outcome: 'given_up' });
      this.logger.error(
        `A grant at ${entry.provider} could not be revoked: ${code}. Its tokens are erased. The user can revoke access at the provider.`,
      );
      await this.remove(entry);
      return 'failed';
    }
    this.logger.warn(`Revoking a grant at ${entry.provider} failed with ${code}. Next attempt in ${delayMs} ms.`);
    revocations.inc({ provider: entry.provider, outcome: 'postponed' });
    await this.write(statements.postpone, [entry.id, delayMs, code]);
    return 'pending';
  }

  private remove(entry: RevocationEntry): Promise<void> {
    return this.write(statements.remove, [entry.id]);
  }

  /** An entry that cannot be written now is tried again when its lease ends; ending a grant twice does no harm. */
  private async write(statement: Statement, values: readonly unknown[]): Promise<void> {
    try {
      await this.database.query(statement, values);
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      this.logger.warn(`The outbox of revocations could not be written: ${error.code}.`);
    }
  }

  private async step(): Promise<number> {
    const entries = await this.database.query<RevocationEntry>(statements.takeDue, [batchSize]);
    await Promise.all(entries.map((entry) => this.attempt(entry)));
    const [next] = await this.database.query<{ inMs: number | null }>(statements.nextDue);
    return Math.min(longestPauseMs, Math.max(0, next?.inMs ?? longestPauseMs));
  }

  private sealNew(id: string, { id: connectionId, userId, registrationId }: GrantOwner, tokens: TokenSet): Buffer {
    // A refresh token that may be another user's ends nothing.
    const own = tokens.mustNameUser === true ? { ...tokens, refreshToken: undefined } : tokens;
    const payload: Payload = { userId, tokens: own };
    return this.vault.seal(payload, toContext({ id, connectionId, registrationId }));
  }
}

/** @throws {@link TokenUnreadableError} when it is not what an entry holds */
function parsePayload(opened: unknown): Payload {
  const result = payloadSchema.safeParse(opened);
  if (!result.success) {
    throw new TokenUnreadableError('the sealed value is not a revocation');
  }
  return { userId: result.data.userId, tokens: parseTokenSet(result.data.tokens) };
}

function toContext({ id, connectionId, registrationId }: EntryKey) {
  return { purpose: 'revocations.sealed', rowId: id, userId: connectionId, registrationId, generation: 0 } as const;
}
