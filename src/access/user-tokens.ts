import { Inject, Injectable, Logger } from '@nestjs/common';
import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { Clock } from '../clock/clock.js';
import { AppError } from '../errors/app-error.js';
import { UserKeysUnavailableError, UserTokenInvalidError } from '../errors/request.errors.js';
import { userIdPattern } from '../http/user-id.js';
import { ProviderHttpClient } from '../provider-kit/http/http-client.js';
import { OutboundPolicy } from '../provider-kit/http/outbound-policy.js';
import type { Caller } from './caller.js';
import { userTokensConfig, type UserTokensConfig, type UserTokenSettings } from './user-tokens.config.js';

const fetchTimeoutMs = 5_000;
/** Least pause between readings of the key set because of an unknown key. */
const cooldownMs = 30_000;
/** Time until a withdrawn key is no longer accepted. */
const cacheMs = 10 * 60_000;
/** Pause after a failed reading. */
const pauseAfterFailureMs = 5_000;
/** Clocks differ a little. */
const clockToleranceSeconds = 5;
/**
 * Types of tokens that authenticate a caller. Other tokens that an issuer signs, such as logout tokens, do not (RFC
 * 8725 section 3.11).
 */
const acceptedTypes = ['jwt', 'at+jwt', 'application/at+jwt'];
/** Codes of the library that blame the key set, not the token. */
const keySetProblems = new Set(['ERR_JOSE_GENERIC', 'ERR_JWKS_INVALID', 'ERR_JWKS_TIMEOUT']);

/** Verifies the tokens with which the company's users call for themselves. The company signs them. */
@Injectable()
export class UserTokens {
  private readonly logger = new Logger(UserTokens.name);
  private readonly settings: UserTokenSettings | undefined;
  private readonly getKey: JWTVerifyGetKey | undefined;
  private failedAt = -Infinity;

  constructor(
    @Inject(userTokensConfig.KEY) { settings }: UserTokensConfig,
    private readonly http: ProviderHttpClient,
    outbound: OutboundPolicy,
    private readonly clock: Clock,
  ) {
    this.settings = settings;
    if (settings !== undefined) {
      outbound.allow(settings.jwksUrl);
      this.getKey = createRemoteJWKSet(new URL(settings.jwksUrl), {
        timeoutDuration: fetchTimeoutMs,
        cooldownDuration: cooldownMs,
        cacheMaxAge: cacheMs,
        [customFetch]: (url) => this.readKeys(url),
      });
    }
  }

  /**
   * Tells whether users are accepted here and a text has the three parts of a JWT, so that it may be a user's token.
   */
  recognizes(text: string): boolean {
    return this.settings !== undefined && /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text);
  }

  /**
   * Returns the user of a token.
   *
   * @param text - as sent in `Authorization: Bearer`, {@link recognizes | recognized} before
   * @throws {@link UserTokenInvalidError} when signature, algorithm, type, issuer, audience or time is wrong, when its
   *   lifetime is too long, or when it names no user. Also when it is bound to a key, because nobody proves possession
   *   here. The response does not say which.
   * @throws {@link UserKeysUnavailableError} when the company's keys cannot be read
   * @see RFC 8725, https://www.rfc-editor.org/rfc/rfc8725
   */
  async authenticate(text: string): Promise<Caller> {
    const { settings, getKey } = this;
    if (settings === undefined || getKey === undefined) {
      throw new UserTokenInvalidError();
    }
    const userId = await this.verify(text, settings, getKey);
    return { actor: 'user', scopes: new Set(), providers: undefined, userId };
  }

  private async verify(text: string, settings: UserTokenSettings, getKey: JWTVerifyGetKey): Promise<string> {
    const { issuer, audience, algorithms, userClaim, maxLifeSeconds } = settings;
    const now = this.clock.now();
    try {
      const { payload, protectedHeader } = await jwtVerify(text, getKey, {
        issuer,
        audience,
        algorithms: [...algorithms],
        requiredClaims: ['exp', userClaim],
        currentDate: now,
        clockTolerance: clockToleranceSeconds,
      });
      const userId = payload[userClaim];
      const isAccepted = acceptedTypes.includes((protectedHeader.typ ?? 'JWT').toLowerCase());
      const isBearer = payload['cnf'] === undefined;
      const isShort = hasBoundedLife(payload, now.getTime() / 1_000, maxLifeSeconds);
      if (isAccepted && isBearer && isShort && typeof userId === 'string' && userIdPattern.test(userId)) {
        return userId;
      }
    } catch (error) {
      if (error instanceof AppError) {
        throw error;
      }
      if (!(error instanceof errors.JOSEError) || keySetProblems.has(error.code)) {
        throw this.keysUnavailable('the response is not a key set, or came too late');
      }
      // The library's own text quotes claims.
    }
    throw new UserTokenInvalidError();
  }

  /** Reads the key set by our HTTP client, so that all of its limits apply. */
  private async readKeys(url: string): Promise<Response> {
    if (performance.now() - this.failedAt < pauseAfterFailureMs) {
      throw new UserKeysUnavailableError();
    }
    try {
      const headers = { accept: 'application/json' };
      const { status, body } = await this.http.send({ method: 'GET', url, headers, timeoutMs: fetchTimeoutMs });
      if (status === 200) {
        return new Response(body, { status });
      }
      throw this.keysUnavailable(`HTTP ${status}`);
    } catch (error) {
      throw error instanceof UserKeysUnavailableError
        ? error
        : this.keysUnavailable(error instanceof AppError ? error.message : 'an internal error');
    }
  }

  private keysUnavailable(why: string): UserKeysUnavailableError {
    this.failedAt = performance.now();
    this.logger.warn(`The keys at USER_JWKS_URL cannot be read: ${why}`);
    return new UserKeysUnavailableError();
  }
}

/**
 * Whether a token expires soon enough after its issue, or after now if it does not say when it was issued. The library
 * accepts an infinite `exp` (JSON's `1e400`), and an `iat` in the future.
 */
function hasBoundedLife({ exp, iat }: JWTPayload, nowSeconds: number, maxLifeSeconds: number): boolean {
  const from = iat ?? nowSeconds;
  return (
    Number.isFinite(exp) &&
    Number.isFinite(from) &&
    from <= nowSeconds + clockToleranceSeconds &&
    (exp ?? Infinity) - from <= maxLifeSeconds + clockToleranceSeconds
  );
}
