import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { TokenUnreadableError } from '../errors/connection.errors.js';
import type { CallbackParameters, HandshakeSecrets } from '../provider-kit/handshake.js';
import type { SealContext } from '../vault/associated-data.js';
import { VaultService } from '../vault/vault.service.js';
import type { Parking, StoredLink } from './link-store.js';

/** A callback that waits, with everything that is needed to redeem it. */
export interface ParkedCallback {
  readonly callback: CallbackParameters;
  readonly secrets: HandshakeSecrets;
}

type Place = Pick<StoredLink, 'id' | 'userId' | 'registrationId'>;

const secretsSchema = z.record(z.string(), z.string());
const parkedSchema = z.object({ callback: z.record(z.string(), z.string()), secrets: secretsSchema });

/** What one link keeps sealed in its life, one after the other: a value of one stage does not open as one of another. */
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
  sealSecrets(link: Place, secrets: HandshakeSecrets): Buffer {
    return this.vault.seal(secrets, toContext(link, 'handshake'));
  }

  /** @throws {@link TokenUnreadableError} when key, row or bytes are not those it was sealed with */
  async openSecrets(link: Place & Pick<StoredLink, 'sealed'>): Promise<HandshakeSecrets> {
    return check(secretsSchema, await this.vault.open(link.sealed, toContext(link, 'handshake')));
  }

  /** Seals a callback that waits. */
  sealParked(link: Place, parking: Parking, parked: ParkedCallback): Buffer {
    return this.vault.seal(parked, toContext(link, parking));
  }

  /** @throws {@link TokenUnreadableError} when key, row or bytes are not those it was sealed with */
  async openParked(link: Place & Pick<StoredLink, 'sealed'>, parking: Parking): Promise<ParkedCallback> {
    return check(parkedSchema, await this.vault.open(link.sealed, toContext(link, parking)));
  }
}

function toContext({ id, userId, registrationId }: Place, stage: keyof typeof generations): SealContext {
  return { purpose: 'links.sealed', rowId: id, userId, registrationId, generation: generations[stage] };
}

function check<Value>(schema: z.ZodType<Value>, opened: unknown): Value {
  const result = schema.safeParse(opened);
  if (!result.success) {
    throw new TokenUnreadableError('the sealed value of the link has another shape');
  }
  return result.data;
}
