import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Clock } from '../clock/clock.js';
import { TokenUnreadableError } from '../errors/connection.errors.js';
import type { SealContext } from '../vault/associated-data.js';
import { VaultService } from '../vault/vault.service.js';
import type { EndpointTarget, WebhookEndpoint } from './webhook-endpoint.js';

/** How long the previous secret still signs after a rotation, in milliseconds. */
export const rotationMs = 24 * 3_600_000;

const secretsSchema = z.object({
  current: z.string(),
  previous: z.object({ secret: z.string(), expiresAt: z.coerce.date() }).optional(),
});

type Secrets = z.infer<typeof secretsSchema>;

/** The signing secrets of endpoints: sealed at rest, and shown only when they are made. */
@Injectable()
export class EndpointSecrets {
  constructor(
    private readonly vault: VaultService,
    private readonly clock: Clock,
  ) {}

  /** Makes the first secret of an endpoint. */
  create(id: string, target: EndpointTarget): { readonly secret: string; readonly sealed: Buffer } {
    const secret = newSecret();
    return { secret, sealed: this.seal(id, target, { current: secret }) };
  }

  /**
   * Makes a new secret. The current one signs too for {@link rotationMs}; one before it no longer does.
   *
   * @throws {@link TokenUnreadableError}, {@link KeyUnavailableError}
   */
  async rotate(
    endpoint: WebhookEndpoint,
  ): Promise<{ readonly secret: string; readonly sealed: Buffer; readonly previousExpiresAt: Date }> {
    const { current } = await this.open(endpoint);
    const secret = newSecret();
    const expiresAt = new Date(this.clock.now().getTime() + rotationMs);
    const sealed = this.seal(endpoint.id, endpoint, { current: secret, previous: { secret: current, expiresAt } });
    return { secret, sealed, previousExpiresAt: expiresAt };
  }

  /** Seals the secrets of an endpoint again, for another target. */
  async reseal(endpoint: WebhookEndpoint, target: EndpointTarget): Promise<Buffer> {
    return this.seal(endpoint.id, target, await this.open(endpoint));
  }

  /**
   * Returns the secrets that sign now, the newest first.
   *
   * @throws {@link TokenUnreadableError} when the row was changed by somebody without the key
   */
  async live(endpoint: WebhookEndpoint): Promise<string[]> {
    const { current, previous } = await this.open(endpoint);
    return previous !== undefined && previous.expiresAt > this.clock.now() ? [current, previous.secret] : [current];
  }

  private async open(endpoint: WebhookEndpoint): Promise<Secrets> {
    const opened = secretsSchema.safeParse(await this.vault.open(endpoint.sealed, toContext(endpoint.id, endpoint)));
    if (!opened.success) {
      throw new TokenUnreadableError(`the sealed value of webhook endpoint ${endpoint.id} holds no secrets`);
    }
    return opened.data;
  }

  private seal(id: string, target: EndpointTarget, secrets: Secrets): Buffer {
    return this.vault.seal(secrets, toContext(id, target));
  }
}

/** 256 random bits in the form of the Standard Webhooks specification. */
function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

function toContext(id: string, { url, eventTypes, providers }: EndpointTarget): SealContext {
  const owner = { userId: '', registrationId: '', generation: 0 };
  return { purpose: 'webhook_endpoints.sealed', rowId: id, ...owner, bound: [url, [...eventTypes], providers] };
}
