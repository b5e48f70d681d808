import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AccessDenials } from '../access/access-denials.js';
import { ApiKeysService } from '../access/api-keys.service.js';
import { requesterOf, type AuthenticatedRequest } from '../access/authenticated-request.js';
import type { Caller } from '../access/caller.js';
import { RateLimits } from '../access/rate-limits.js';
import type { Requester } from '../audit/audit-event.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { AccessDeniedError, ApiKeyInvalidError, ScopeMissingError } from '../errors/request.errors.js';
import { ConsoleSessionInvalidError } from '../errors/authorization.errors.js';
import { createOneTimeSecret, hashOneTimeSecret } from '../links/store/one-time-secret.js';
import type { BoundValue } from '../vault/associated-data.js';
import { VaultService } from '../vault/vault.service.js';
import { ConsoleSessionStore } from './console-session-store.js';

/** Lifetime of a session in seconds. It is not prolonged: the operator signs in again. */
export const sessionLifetimeSeconds = 60 * 60;

/** The person who looks at the console. */
export interface Operator {
  readonly requester: Requester;
  /** Whether the key may also resend deliveries. */
  readonly mayResend: boolean;
}

/**
 * Sessions of the console. An API key with the scope `console` is exchanged for one. So the key itself is sent once,
 * and the browser never keeps it. The session ends with the key, which each request checks again.
 */
@Injectable()
export class ConsoleSessions {
  constructor(
    private readonly store: ConsoleSessionStore,
    private readonly apiKeys: ApiKeysService,
    private readonly vault: VaultService,
    private readonly audit: AuditTrail,
    private readonly denials: AccessDenials,
    private readonly limits: RateLimits,
  ) {}

  /**
   * Begins a session.
   *
   * @param key - an API key in text form
   * @returns the secret for the cookie
   * @throws {@link ApiKeyInvalidError}, {@link ScopeMissingError} when the key does not allow it
   * @throws {@link AccessDeniedError} when the key is limited to providers: the console shows all
   * @throws {@link RateLimitedError} when too many keys were refused
   */
  async signIn(key: string, request: AuthenticatedRequest): Promise<string> {
    try {
      request.caller = await this.apiKeys.authenticate(key);
      checkCaller(request.caller);
    } catch (error) {
      if (
        error instanceof ApiKeyInvalidError ||
        error instanceof ScopeMissingError ||
        error instanceof AccessDeniedError
      ) {
        await this.limits.countGuess(request.ip);
        await this.denials.note(error, request);
      }
      throw error;
    }
    await this.audit.record({ ...requesterOf(request), action: 'console.signed_in', outcome: 'success' });
    const secret = createOneTimeSecret();
    const secretHash = hashOneTimeSecret(secret);
    const apiKeyId = request.caller.actor.replace(/^api-key:/, '');
    const expiresAt = await this.store.readExpiry(sessionLifetimeSeconds);
    const mac = this.vault.signRow('api_keys.mac', toRow(secretHash, apiKeyId, expiresAt));
    await this.store.insert({ secretHash, apiKeyId, expiresAt, mac });
    return secret;
  }

  /**
   * Returns the operator of a session.
   *
   * @param secret - from the cookie; `undefined` when there is none
   * @throws {@link ConsoleSessionInvalidError} when there is no such session, it has expired, or its key has
   */
  async get(secret: string | undefined, request: FastifyRequest): Promise<Operator> {
    const session = secret === undefined ? undefined : await this.store.find(hashOneTimeSecret(secret));
    if (session === undefined) {
      throw new ConsoleSessionInvalidError();
    }
    const { secretHash, apiKeyId, expiresAt, mac } = session;
    const isOurs = await this.vault.isSignedRow('api_keys.mac', toRow(secretHash, apiKeyId, expiresAt), mac);
    const caller = isOurs ? await this.apiKeys.findCaller(apiKeyId) : undefined;
    if (caller === undefined || !mayLook(caller)) {
      throw new ConsoleSessionInvalidError();
    }
    const requester = { actor: caller.actor, requestId: request.id, address: request.callerAddress };
    return { requester, mayResend: caller.scopes.has('webhooks:write') };
  }

  /** Ends a session in the database, which makes a remaining cookie useless. */
  async signOut(secret: string, { requester }: Operator): Promise<void> {
    await this.audit.record({ ...requester, action: 'console.signed_out', outcome: 'success' });
    await this.store.remove(hashOneTimeSecret(secret));
  }
}

function mayLook({ scopes, providers, userId }: Caller): boolean {
  return userId === undefined && providers === undefined && scopes.has('console');
}

function checkCaller(caller: Caller): void {
  if (!caller.scopes.has('console')) {
    throw new ScopeMissingError('This API key lacks the scope "console". Use a key that has it.');
  }
  if (!mayLook(caller)) {
    throw new AccessDeniedError();
  }
}

/** Returns the signed row. The first value distinguishes it from rows of API keys: one branch key signs both. */
function toRow(secretHash: Buffer, apiKeyId: string, expiresAt: Date): BoundValue[] {
  return ['console session', secretHash, apiKeyId, expiresAt];
}
