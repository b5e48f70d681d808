import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { TokenUnreadableError } from '../errors/connection.errors.js';
import { Secret } from '../provider-kit/definition/secret.js';
import type { SealContext } from '../vault/associated-data.js';
import { VaultService } from '../vault/vault.service.js';
import { SubscriptionStore, type DueSubscription } from './subscription-store.js';

const sealedSchema = z.object({ secret: z.string().min(1) });

/** How long a secret is kept in memory, in milliseconds: forged notifications then cost no statement. */
const rememberMs = 60_000;

/** The secrets that providers have chosen for the proofs of their notifications, sealed at rest. */
@Injectable()
export class SubscriptionSecrets {
  private readonly known = new Map<string, { readonly secret: Promise<Secret | undefined>; readonly atMs: number }>();

  constructor(
    private readonly store: SubscriptionStore,
    private readonly vault: VaultService,
  ) {}

  /** Stores the secret of a new subscription. */
  async keep(row: Pick<DueSubscription, 'id' | 'provider'>, secret: string): Promise<void> {
    await this.store.keepSecret(row, this.vault.seal({ secret }, toContext(row)));
    this.known.delete(row.provider);
  }

  /**
   * Returns the secret of a provider's notifications; `undefined` if it has chosen none.
   *
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError}, {@link TokenUnreadableError}
   */
  find(provider: string): Promise<Secret | undefined> {
    const known = this.known.get(provider);
    if (known !== undefined && performance.now() - known.atMs < rememberMs) {
      return known.secret;
    }
    const secret = this.read(provider);
    const found = { secret, atMs: performance.now() };
    this.known.set(provider, found);
    secret.catch(() => this.known.get(provider) === found && this.known.delete(provider));
    return secret;
  }

  private async read(provider: string): Promise<Secret | undefined> {
    const row = await this.store.secretOf(provider);
    if (row === undefined) {
      return undefined;
    }
    const opened = sealedSchema.safeParse(await this.vault.open(row.sealed, toContext(row)));
    if (!opened.success) {
      throw new TokenUnreadableError(`the sealed value of the subscription ${row.id} holds no secret`);
    }
    return new Secret(opened.data.secret);
  }
}

function toContext({ id, provider }: Pick<DueSubscription, 'id' | 'provider'>): SealContext {
  const owner = { userId: '', registrationId: '', generation: 0 };
  return { purpose: 'subscriptions.sealed', rowId: id, ...owner, bound: [provider] };
}
