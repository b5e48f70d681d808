import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../database/database.js';
import { MicroBatch } from '../../database/micro-batch.js';
import type { OnAccountChange } from '../../tokens/accounts/account-rules.js';
import type { Metadata } from '../../tokens/store/metadata.js';

/**
 * The step that a held callback waits for: the browser's cookie (AR-16), or the company's confirmation that the right
 * user is signed in (AR-04).
 */
export type Parking = 'binding' | 'confirmation';

/** A link attempt, as stored. */
export interface StoredLink {
  readonly id: string;
  readonly stateHash: Buffer;
  readonly userId: string;
  readonly provider: string;
  readonly registrationId: string;
  readonly registrationHash: Buffer;
  readonly returnUrl: string | null;
  readonly scopes: readonly string[];
  readonly requireConfirmation: boolean;
  readonly onAccountChange: OnAccountChange;
  /** For the connection; `null` keeps its present metadata. */
  readonly metadata: Metadata | null;
  /** SHA-256 of the secret in the cookie of the only browser that may finish it; `null` when any may. */
  readonly browserHash: Buffer | null;
  readonly expiresAt: Date;
  readonly sealed: Buffer;
}

/** A link whose callback is visited again. */
export interface VisitedLink extends Pick<StoredLink, 'id' | 'userId' | 'provider' | 'returnUrl'> {
  readonly outcome: string | null;
  /** Whether a visit a moment ago has used it, and its redemption may still run. */
  readonly isInProgress: boolean;
}

/** Shows whether a link's user was erased while the link was started, and whether the user may have another link. */
export interface LinkStart {
  /** The digest by which an erased user is recognized. */
  readonly erasureDigest: Buffer;
  readonly tookMs: number;
  /** Limits for a user's open links (AR-28). */
  readonly most: { readonly perProvider: number; readonly perUser: number };
}

/** The end of a link that was started on the hosted page. */
export interface EndedLink extends Pick<StoredLink, 'id' | 'provider' | 'returnUrl' | 'browserHash'> {
  readonly outcome: string;
}

/** A link without its secrets. */
export interface LinkFacts extends Pick<
  StoredLink,
  'id' | 'provider' | 'returnUrl' | 'scopes' | 'requireConfirmation' | 'onAccountChange' | 'metadata'
> {
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** When the browser came back; `null` when it has not. */
  readonly consumedAt: Date | null;
  readonly parkedFor: Parking | null;
  readonly parkedUntil: Date | null;
  /** `null` while it has not ended. */
  readonly outcome: string | null;
}

const limits = { maxItems: 200, maxWaiting: 10_000 };

const linkColumns = `links.id, links.state_hash AS "stateHash", links.user_id AS "userId", links.provider,
  links.registration_id AS "registrationId", links.registration_hash AS "registrationHash", links.return_url AS "returnUrl",
  links.scopes, links.require_confirmation AS "requireConfirmation", links.browser_hash AS "browserHash",
  links.on_account_change AS "onAccountChange", links.metadata, links.expires_at AS "expiresAt"`;

const readEnds: Statement = {
  name: 'links-read-ends',
  // To the millisecond, as in a Date, because the sealed value is bound to it.
  text: `SELECT date_trunc('milliseconds', now() + lifetime_ms * interval '1 millisecond') AS "endsAt"
         FROM unnest($1::float8[]) WITH ORDINALITY AS wanted (lifetime_ms, place) ORDER BY place`,
};
/** Whether a callback is being redeemed: such a link is left alone, because a connection may depend on it. */
const isInProgress = 'consumed_at IS NOT NULL AND outcome IS NULL AND held_for IS NULL';
const insertLink: Statement = {
  name: 'links-insert',
  // Of surplus links, ended ones are removed first. The statement does not see the link that it inserts.
  text: `WITH of_provider AS (
           SELECT state_hash, outcome IS NOT NULL AS has_ended, created_at,
             provider = $4 AND row_number() OVER (PARTITION BY provider ORDER BY outcome IS NOT NULL, created_at DESC) >= $17 AS is_surplus
           FROM links WHERE user_id = $3 AND NOT (${isInProgress})
         ), of_user AS (
           SELECT state_hash,
             is_surplus OR row_number() OVER (PARTITION BY is_surplus ORDER BY has_ended, created_at DESC) >= $18 AS is_surplus
           FROM of_provider
         ), surplus AS (
           SELECT state_hash FROM links
           WHERE user_id = $3 AND state_hash IN (SELECT state_hash FROM of_user WHERE is_surplus)
             AND NOT (${isInProgress}) FOR UPDATE SKIP LOCKED
         ), removed AS (
           DELETE FROM links USING surplus WHERE links.user_id = $3 AND links.state_hash = surplus.state_hash
         )
         INSERT INTO links (id, state_hash, user_id, provider, registration_id, registration_hash, return_url, scopes,
           require_confirmation, browser_hash, on_account_change, sealed, expires_at, metadata)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $16
         WHERE NOT EXISTS (
           SELECT FROM erasures WHERE user_digest = $14 AND erased_at >= now() - $15::float8 * interval '1 millisecond')
         RETURNING id`,
};
const consumeLink: Statement = {
  name: 'links-consume',
  text: `WITH open AS (
           SELECT state_hash, sealed FROM links
           WHERE state_hash = $1 AND provider = $2 AND consumed_at IS NULL AND expires_at > now() FOR UPDATE
         )
         UPDATE links SET consumed_at = now(), sealed = NULL FROM open
         WHERE links.state_hash = open.state_hash AND links.consumed_at IS NULL
         RETURNING ${linkColumns}, open.sealed`,
};
const findLinkPlace: Statement = {
  name: 'links-find-place',
  text: 'SELECT id, user_id AS "userId", provider FROM links WHERE state_hash = $1',
};
/** A process that redeems a code for longer has most likely died. */
const visitColumns = `id, user_id AS "userId", provider, return_url AS "returnUrl", outcome,
  (${isInProgress} AND consumed_at > now() - interval '15 seconds') AS "isInProgress"`;
const findVisitedLink: Statement = {
  name: 'links-find-visited',
  text: `SELECT ${visitColumns} FROM links WHERE state_hash = $1`,
};
const findResumedLink: Statement = {
  name: 'links-find-resumed',
  text: `SELECT ${visitColumns} FROM links WHERE id = $1 AND held_hash = $2`,
};
const findEndedLinks: Statement = {
  name: 'links-find-ended',
  text: `SELECT id, provider, return_url AS "returnUrl", browser_hash AS "browserHash", outcome FROM links
         WHERE user_id = $1 AND id = ANY ($2::uuid[]) AND outcome IS NOT NULL ORDER BY consumed_at`,
};
const findLinkPlaceById: Statement = {
  name: 'links-find-place-by-id',
  text: 'SELECT id, user_id AS "userId", provider FROM links WHERE id = $1',
};
const parkLink: Statement = {
  name: 'links-park',
  text: `UPDATE links SET sealed = $2, held_for = $3, held_hash = $4, held_until = now() + $5 * interval '1 millisecond'
         WHERE state_hash = $1 AND outcome IS NULL RETURNING held_until AS "parkedUntil"`,
};
const takeParkedLink: Statement = {
  name: 'links-take-parked',
  text: `WITH parked AS (
           SELECT id, sealed FROM links
           WHERE id = $1 AND held_for = $2 AND held_hash = $3 AND held_until > now()
             AND ($4::text[] IS NULL OR provider = ANY ($4)) FOR UPDATE
         )
         UPDATE links SET sealed = NULL, held_for = NULL,
           held_hash = CASE links.held_for WHEN 'binding' THEN links.held_hash END FROM parked
         WHERE links.id = parked.id AND links.held_for = $2
         RETURNING ${linkColumns}, parked.sealed`,
};
const finishLink: Statement = {
  name: 'links-finish',
  text: 'UPDATE links SET outcome = $2 WHERE state_hash = $1 RETURNING id',
};
const listLinksOfUser: Statement = {
  name: 'links-list-of-user',
  text: `SELECT id, provider, return_url AS "returnUrl", scopes, require_confirmation AS "requireConfirmation",
           on_account_change AS "onAccountChange", metadata, created_at AS "createdAt", expires_at AS "expiresAt",
           consumed_at AS "consumedAt", held_for AS "parkedFor", held_until AS "parkedUntil", outcome
         FROM links WHERE user_id = $1 ORDER BY created_at, id`,
};
const removeLinksOfUser: Statement = {
  name: 'links-remove-of-user',
  // An instant of a caller is cut to milliseconds.
  text: `WITH sessions AS (
           DELETE FROM link_sessions WHERE user_id = $1 AND date_trunc('milliseconds', created_at) <= coalesce($2, timestamptz 'infinity')
         )
         DELETE FROM links WHERE user_id = $1 AND date_trunc('milliseconds', created_at) <= coalesce($2, timestamptz 'infinity')`,
};

/** The links table: attempts to connect, each usable once. */
@Injectable()
export class LinkStore {
  private readonly ends = new MicroBatch<number, Date>((lifetimesMs) => this.readEnds(lifetimesMs), limits);

  constructor(private readonly database: Database) {}

  /** Returns the end of a lifetime that begins now, by the database's clock. */
  readEnd(lifetimeMs: number): Promise<Date> {
    return this.ends.add(lifetimeMs);
  }

  /**
   * Stores a link. Deletes the oldest of its user if there would be too many.
   *
   * @returns false when its user was erased since the start began (LOG-08)
   */
  async insert(link: StoredLink, start: LinkStart): Promise<boolean> {
    const { perProvider, perUser } = start.most;
    const rows = await this.database.query(insertLink, [
      link.id,
      link.stateHash,
      link.userId,
      link.provider,
      link.registrationId,
      link.registrationHash,
      link.returnUrl,
      link.scopes,
      link.requireConfirmation,
      link.browserHash,
      link.onAccountChange,
      link.sealed,
      link.expiresAt,
      start.erasureDigest,
      start.tookMs,
      link.metadata,
      perProvider,
      perUser,
    ]);
    return rows.length === 1;
  }

  /**
   * Uses up a link. Of any number of calls at the same moment, on any number of replicas, one gets it (AR-02). The same
   * statement erases its secrets from the database.
   *
   * @returns the link, or `undefined` when it does not exist, is of another provider, has expired or was used
   */
  async consume(stateHash: Buffer, provider: string): Promise<StoredLink | undefined> {
    const [row] = await this.database.query<StoredLink>(consumeLink, [stateHash, provider]);
    return row;
  }

  /** Returns the link with a state, used up or not; `undefined` when there is none. */
  async findPlace(stateHash: Buffer): Promise<Pick<StoredLink, 'id' | 'userId' | 'provider'> | undefined> {
    const [row] = await this.database.query<Pick<StoredLink, 'id' | 'userId' | 'provider'>>(findLinkPlace, [stateHash]);
    return row;
  }

  /** Returns the link with a state for a later visit, used up, expired or not; `undefined` when there is none. */
  async findVisited(stateHash: Buffer): Promise<VisitedLink | undefined> {
    const [row] = await this.database.query<VisitedLink>(findVisitedLink, [stateHash]);
    return row;
  }

  /**
   * Returns the link whose callback waited for the browser's cookie under this secret, taken or not; `undefined` when
   * none did.
   */
  async findResumed(id: string, secretHash: Buffer): Promise<VisitedLink | undefined> {
    const [row] = await this.database.query<VisitedLink>(findResumedLink, [id, secretHash]);
    return row;
  }

  /** Returns the ended ones of the named links of a user, the oldest first. */
  findEnded(userId: string, ids: readonly string[]): Promise<EndedLink[]> {
    return this.database.query<EndedLink>(findEndedLinks, [userId, ids]);
  }

  /** Returns the link with an id, used up or not; `undefined` when there is none. */
  async findPlaceById(id: string): Promise<Pick<StoredLink, 'id' | 'userId' | 'provider'> | undefined> {
    const [row] = await this.database.query<Pick<StoredLink, 'id' | 'userId' | 'provider'>>(findLinkPlaceById, [id]);
    return row;
  }

  /**
   * Keeps the callback of a used link until somebody presents a secret.
   *
   * @param link - with the sealed callback
   * @param secretHash - of the one-time secret
   * @param lifetimeMs - how long it is kept, in milliseconds
   * @returns the end of that time, by the database's clock; `undefined` when the link was erased with its user
   */
  async park(
    link: Pick<StoredLink, 'stateHash' | 'sealed'>,
    parking: Parking,
    secretHash: Buffer,
    lifetimeMs: number,
  ): Promise<Date | undefined> {
    const values = [link.stateHash, link.sealed, parking, secretHash, lifetimeMs];
    const [row] = await this.database.query<{ parkedUntil: Date }>(parkLink, values);
    return row?.parkedUntil;
  }

  /**
   * Takes a held callback out of the database. Of any number of calls one gets it.
   *
   * @param providers - the only ones whose links may be taken; all when absent
   * @returns the link with the sealed callback, or `undefined` when there is none under this secret, or it has expired
   *   or was taken
   */
  async takeParked(
    id: string,
    parking: Parking,
    secretHash: Buffer,
    providers?: ReadonlySet<string>,
  ): Promise<StoredLink | undefined> {
    const values = [id, parking, secretHash, providers === undefined ? null : [...providers]];
    const [row] = await this.database.query<StoredLink>(takeParkedLink, values);
    return row;
  }

  /**
   * Records the outcome of a link: `connected`, `user_mismatch`, `rejected_binding`, or the code of the error. Returns
   * false when the link was erased with its user.
   */
  async finish(stateHash: Buffer, outcome: string): Promise<boolean> {
    const rows = await this.database.query(finishLink, [stateHash, outcome]);
    return rows.length === 1;
  }

  /** Returns the links of a user that are still kept, the oldest first. */
  listOfUser(userId: string): Promise<LinkFacts[]> {
    return this.database.query<LinkFacts>(listLinksOfUser, [userId]);
  }

  /**
   * Deletes every link of a user, also those that wait for their callback, and every link session.
   *
   * @param until - only those that began until then, to the millisecond; all when absent
   */
  async removeOfUser(userId: string, until?: Date): Promise<void> {
    await this.database.query(removeLinksOfUser, [userId, until ?? null]);
  }

  private async readEnds(lifetimesMs: readonly number[]): Promise<Date[]> {
    const rows = await this.database.query<{ endsAt: Date }>(readEnds, [lifetimesMs]);
    return rows.map(({ endsAt }) => endsAt);
  }
}
