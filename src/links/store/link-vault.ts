import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { TokenUnreadableError } from '../../errors/connection.errors.js';
import type { CallbackParameters, HandshakeSecrets } from '../../provider-kit/handshake.js';
import type { BoundValue, SealContext } from '../../vault/associated-data.js';
import { sealedColumns } from '../../vault/sealed-columns.js';
import { VaultService } from '../../vault/vault.service.js';
import type { StoredLinkSession } from './link-session-store.js';
import type { Parking, StoredLink } from './link-store.js';

/** A callback that waits, with everything that is needed to redeem it. */
export interface ParkedCallback {
  readonly callback: CallbackParameters;
  readonly secrets: HandshakeSecrets;
}

/** The columns to which a link's sealed value is bound: all that decide something (AR-27). */
type Terms = Omit<StoredLink, 'sealed'>;

const secretsSchema = z.record(z.string(), z.string());
const parkedSchema = z.object({ callback: z.record(z.string(), z.string()), secrets: secretsSchema });

/**
 * The sealed values of a link, one after the other: a value of one stage does not open as one of another.
 */
const generations: Readonly<Record<'handshake' | Parking, number>> = { handshake: 0, binding: 1, confirmation: 2 };

/** Seals what a link must not forget into its row, and opens it. */
@Injectable()
export class LinkVault {
  constructor(private readonly vault: VaultService) {}

  /** Returns under what the erasure of a user is noted. */
  erasureDigest(userId: string): Buffer {
    return this.vault.digest('erasures.user', [userId]);
  }

  /** Seals the secrets of a link that was started. */
  sealSecrets(link: Terms, secrets: HandshakeSecrets): Buffer {
    return this.vault.seal(secrets, toContext(link, 'handshake', null));
  }

  /** @throws {@link TokenUnreadableError} when key, row or bytes are not those it was sealed with */
  async openSecrets(link: StoredLink): Promise<HandshakeSecrets> {
    return check(secretsSchema, await this.vault.open(link.sealed, toContext(link, 'handshake', null)));
  }

  /**
   * Seals a callback that waits.
   *
   * @param parkedHash - of the secret that it waits for
   */
  sealParked(link: Terms, parking: Parking, parkedHash: Buffer, parked: ParkedCallback): Buffer {
    return this.vault.seal(parked, toContext(link, parking, parkedHash));
  }

  /** @throws {@link TokenUnreadableError} when key, row or bytes are not those it was sealed with */
  async openParked(link: StoredLink, parking: Parking, parkedHash: Buffer): Promise<ParkedCallback> {
    return check(parkedSchema, await this.vault.open(link.sealed, toContext(link, parking, parkedHash)));
  }

  /** Vouches for everything that a link session allows, and to which browser. */
  signSession(session: Omit<StoredLinkSession, 'mac'>): Buffer {
    return this.vault.signRow('link_sessions.mac', toSessionRow(session));
  }

  /** @throws {@link TokenUnreadableError} when the row of a session is not as this service wrote it */
  async checkSession(session: StoredLinkSession): Promise<void> {
    const { mac } = session;
    if (mac === null || !(await this.vault.isSignedRow('link_sessions.mac', toSessionRow(session), mac))) {
      throw new TokenUnreadableError('a row of link_sessions is not as this service wrote it');
    }
  }
}

type BoundColumn = (typeof sealedColumns)['links.sealed']['bound'][number];

function toContext(link: Terms, stage: keyof typeof generations, parkedHash: Buffer | null): SealContext {
  const { id, userId, registrationId } = link;
  const columns: Readonly<Record<BoundColumn, BoundValue>> = {
    state_hash: link.stateHash,
    provider: link.provider,
    registration_hash: link.registrationHash,
    return_url: link.returnUrl,
    scopes: link.scopes,
    require_confirmation: link.requireConfirmation,
    on_account_change: link.onAccountChange,
    browser_hash: link.browserHash,
    held_hash: parkedHash,
    expires_at: link.expiresAt,
  };
  const bound = sealedColumns['links.sealed'].bound.map((name) => columns[name]);
  return { purpose: 'links.sealed', rowId: id, userId, registrationId, generation: generations[stage], bound };
}

function toSessionRow(session: Omit<StoredLinkSession, 'mac'>): BoundValue[] {
  const { tokenHash, userId, providers, returnUrl, requireConfirmation, connectionAccess, browserHash, expiresAt } =
    session;
  const terms = [tokenHash, userId, providers, returnUrl, requireConfirmation, browserHash, expiresAt];
  // A session of a version that knew no such access has the same signature as one without any.
  return connectionAccess === 'none' ? terms : [...terms, connectionAccess];
}

function check<Value>(schema: z.ZodType<Value>, opened: unknown): Value {
  const result = schema.safeParse(opened);
  if (!result.success) {
    throw new TokenUnreadableError('the sealed value of the link has another shape');
  }
  return result.data;
}
