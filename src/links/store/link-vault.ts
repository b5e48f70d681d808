import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { TokenUnreadableError } from '../../errors/connection.errors.js';
import type { CallbackParameters, HandshakeSecrets } from '../../provider-kit/handshake.js';
import type { BoundValue, SealContext } from '../../vault/associated-data.js';
import { sealedColumns } from '../../vault/sealed-columns.js';
import { VaultService } from '../../vault/vault.service.js';
import type { StoredLinkSession } from './link-session-store.js';
import type { Parking, StoredLink } from './link-store.js';

/** A waiting callback, with everything that redeems it. */
export interface ParkedCallback {
  readonly callback: CallbackParameters;
  readonly secrets: HandshakeSecrets;
}

/** The columns to which a link's sealed value is bound: every column that a decision depends on (AR-27). */
type Terms = Omit<StoredLink, 'sealed'>;

const secretsSchema = z.record(z.string(), z.string());
const parkedSchema = z.object({ callback: z.record(z.string(), z.string()), secrets: secretsSchema });

/**
 * The sealed values of a link, one after the other. A value of one stage does not open as one of another.
 */
const generations: Readonly<Record<'handshake' | Parking, number>> = { handshake: 0, binding: 1, confirmation: 2 };

/** Seals the secrets of links for their rows, and opens them. Signs link sessions. */
@Injectable()
export class LinkVault {
  constructor(private readonly vault: VaultService) {}

  /** Returns the digest by which an erased user is recognized. */
  erasureDigest(userId: string): Buffer {
    return this.vault.digest('erasures.user', [userId]);
  }

  /** Seals the secrets of a started link. */
  sealSecrets(link: Terms, secrets: HandshakeSecrets): Buffer {
    return this.vault.seal(secrets, toContext(link, 'handshake', null));
  }

  /** @throws {@link TokenUnreadableError} when key, row or bytes are not those it was sealed with */
  async openSecrets(link: StoredLink): Promise<HandshakeSecrets> {
    return check(secretsSchema, await this.vault.open(link.sealed, toContext(link, 'handshake', null)));
  }

  /**
   * Seals a waiting callback.
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

  /** Signs all terms of a link session, and its browser. */
  signSession(session: Omit<StoredLinkSession, 'mac'>): Buffer {
    return this.vault.signRow('link_sessions.mac', toSessionRow(session));
  }

  /** @throws {@link TokenUnreadableError} when the row of a session was altered */
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
  // A session of a version without this field has the same signature as one without access.
  return connectionAccess === 'none' ? terms : [...terms, connectionAccess];
}

function check<Value>(schema: z.ZodType<Value>, opened: unknown): Value {
  const result = schema.safeParse(opened);
  if (!result.success) {
    throw new TokenUnreadableError('the sealed value of the link has another shape');
  }
  return result.data;
}
