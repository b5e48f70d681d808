import { randomUUID, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Requester } from '../audit/audit-event.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { Clock } from '../clock/clock.js';
import { AppError, codeOf } from '../errors/app-error.js';
import { AuthorizationStateError, LinkUserMismatchError } from '../errors/authorization.errors.js';
import { TokenUnreadableError } from '../errors/connection.errors.js';
import { ProviderNotConfiguredError, UnknownProviderError } from '../errors/provider.errors.js';
import { RequestInvalidError } from '../errors/request.errors.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import { lifecycleAt } from '../provider-kit/definition/lifecycle.js';
import { ProviderLifecycle } from '../provider-kit/definition/provider-lifecycle.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { registrationHash, registrationId } from '../provider-kit/registration.js';
import type { ConnectedAccount } from '../tokens/connection-linker.js';
import { checkAskedScopes } from './asked-scopes.js';
import type { CallbackArrival, CallbackOutcome } from './callback/callback-outcome.js';
import type { CallbackReading } from './callback/callback-parameters.js';
import { LinkRedemption } from './callback/link-redemption.js';
import { LinkRefusalRecorder } from './link-refusal-recorder.js';
import { LinkRevisits } from './callback/link-revisits.js';
import { LinkStore, type Parking, type StoredLink } from './store/link-store.js';
import { LinkVault, type ParkedCallback } from './store/link-vault.js';
import { linksConfig, type LinksConfig } from './links.config.js';
import { countStage, retiringLinks } from './links.metrics.js';
import { createOneTimeSecret, hashOneTimeSecret } from './store/one-time-secret.js';
import type { LinkConfirmer, LinkRequest, LinkTerms, Retirement, StartedLink } from './link-terms.js';
import { checkReturnUrl, isAllowedReturnUrl } from './return-url.js';

/** Time limit from the start of a link to its callback, in milliseconds. */
const linkLifetimeMs = 10 * 60 * 1_000;
/**
 * Time for which a code is kept if the provider documents no lifetime: the longest that RFC 6749 section 4.1.2
 * recommends.
 */
const longestCodeLifetimeSeconds = 600;

/** One attempt to connect: starts it, and turns its callback into a connection. */
@Injectable()
export class LinksService {
  private readonly logger = new Logger(LinksService.name);

  constructor(
    private readonly registry: ProviderRegistry,
    private readonly store: LinkStore,
    private readonly vault: LinkVault,
    private readonly redemption: LinkRedemption,
    private readonly refusals: LinkRefusalRecorder,
    private readonly lifecycle: ProviderLifecycle,
    private readonly revisits: LinkRevisits,
    private readonly audit: AuditTrail,
    private readonly clock: Clock,
    @Inject(linksConfig.KEY) private readonly config: LinksConfig,
  ) {}

  /**
   * Starts a link. For OAuth 1.0a it requests temporary credentials first.
   *
   * @throws {@link UnknownProviderError}, {@link ProviderNotConfiguredError}, {@link ProviderRetiredError},
   *   {@link ReturnUrlNotAllowedError}
   * @throws {@link RequestInvalidError} when the link must be confirmed and names no return URL, when it may not go
   *   without confirmation, or when it asks for too many scopes
   * @throws {@link DatabaseUnavailableError} when the link cannot be stored
   * @throws a provider error when an OAuth 1.0a provider does not issue temporary credentials
   */
  async start(request: LinkRequest, requester: Requester): Promise<StartedLink> {
    const provider = this.getConfigured(request.provider);
    const scopes = request.scopes && checkAskedScopes(request.scopes, provider);
    return this.begin({ ...request, scopes, ...this.checkTerms(request), browserSecret: undefined }, requester);
  }

  /**
   * Checks the caller's choices for a link.
   *
   * @throws {@link ReturnUrlNotAllowedError}, {@link RequestInvalidError} as {@link start} does
   */
  checkTerms(
    request: Pick<LinkRequest, 'returnUrl' | 'requireConfirmation'>,
  ): Pick<LinkTerms, 'returnUrl' | 'requireConfirmation'> {
    const returnUrl = request.returnUrl === undefined ? null : checkReturnUrl(request.returnUrl, this.config);
    if (request.requireConfirmation === false && this.config.confirmationRequired) {
      throw new RequestInvalidError(
        'require_confirmation must not be false: this deployment requires confirmation (LINK_CONFIRMATION is "required").',
      );
    }
    const requireConfirmation = request.requireConfirmation ?? this.config.confirmationRequired;
    if (requireConfirmation && returnUrl === null) {
      throw new RequestInvalidError(
        'return_url is missing: a link that needs confirmation sends the browser there with the confirmation_code.',
      );
    }
    return { returnUrl, requireConfirmation };
  }

  /**
   * Starts a link with checked terms.
   *
   * @throws as {@link start} does, except about the terms
   * @throws {@link AuthorizationStateError} when the user was erased while the provider responded
   */
  async begin(terms: LinkTerms, requester: Requester): Promise<StartedLink> {
    const startedAt = performance.now();
    const provider = this.getConfigured(terms.provider);
    const retirement = this.checkLifecycle(provider);
    const state = createOneTimeSecret();
    const scopes = terms.scopes ?? provider.settings.scopes;
    const handshake = { state, redirectUri: provider.settings.redirectUri, scopes };
    const { authorizeUrl, secrets, expiresInSeconds = Infinity } = await provider.begin(handshake);
    const { userId, returnUrl, requireConfirmation, onAccountChange, metadata, browserSecret } = terms;
    const link = {
      id: randomUUID(),
      stateHash: hashOneTimeSecret(state),
      userId,
      provider: terms.provider,
      registrationId: registrationId(provider),
      registrationHash: registrationHash(provider),
      returnUrl,
      scopes,
      requireConfirmation,
      onAccountChange,
      metadata: metadata ?? null,
      browserHash: browserSecret === undefined ? null : hashOneTimeSecret(browserSecret),
      expiresAt: await this.store.readEnd(linkLifetimeMs),
    };
    const sealed = this.vault.sealSecrets(link, secrets);
    const tookMs = performance.now() - startedAt;
    const erasureDigest = this.vault.erasureDigest(userId);
    const start = { erasureDigest, tookMs, most: this.config.mostLinks };
    if (!(await this.store.insert({ ...link, sealed }, start))) {
      throw new AuthorizationStateError('the user was erased in the meantime');
    }
    await this.audit.record({
      ...requester,
      action: 'link.started',
      outcome: 'success',
      userId,
      provider: terms.provider,
    });
    countStage(terms.provider, 'started');
    // A browser that was sent to the provider in time may come back later, until the link expires.
    const shortenedByMs = Math.max(0, linkLifetimeMs - (expiresInSeconds * 1_000 - tookMs));
    const setOutBy = new Date(link.expiresAt.getTime() - shortenedByMs);
    return {
      id: link.id,
      linkWebUrl: authorizeUrl,
      state,
      expiresAt: setOutBy,
      requireConfirmation,
      metadata,
      retirement,
    };
  }

  private getConfigured(slug: string): HealthProvider {
    const provider = this.registry.get(slug);
    if (provider.settings.mode === 'not-configured') {
      throw new ProviderNotConfiguredError(
        `${provider.definition.displayName} is not configured in this deployment. The operator must set its client ID and secret.`,
      );
    }
    return provider;
  }

  /** Tells whether a link to a provider may be started now. */
  isLinkable(provider: HealthProvider): boolean {
    return provider.settings.mode !== 'not-configured' && !this.lifecycle.isRetired(provider);
  }

  /** @returns the announced end of the provider, as a warning for the caller */
  private checkLifecycle(provider: HealthProvider): Retirement | undefined {
    this.lifecycle.check(provider);
    const { slug, displayName } = provider.definition;
    const lifecycle = lifecycleAt(provider.definition.lifecycle, this.clock.now());
    if (lifecycle.status !== 'retiring') {
      return undefined;
    }
    const successor = lifecycle.replacedBy === undefined ? '' : ` Use "${lifecycle.replacedBy}" for new links.`;
    retiringLinks.inc({ provider: slug });
    const message = `${displayName} will shut down its API on ${lifecycle.sunsetAt}.${successor}`;
    this.logger.warn(message);
    return { message, sunsetAt: lifecycle.sunsetAt, replacedBy: lifecycle.replacedBy };
  }

  /**
   * Takes the callback of a link and uses the link up. Then it redeems the code or verifier once and stores the
   * connection, or keeps the callback sealed until the link is confirmed. A malformed callback ends its link. For a
   * link that has ended before, it returns that outcome again.
   *
   * @param slug - the provider whose callback was called
   * @param reading - the parameters of the callback
   * @returns the outcome; the failure of a known link is an outcome too
   * @throws {@link UnknownProviderError} when there is no such provider, and no link has the state
   * @throws {@link AuthorizationStateError} when no link has the state; nothing was sent anywhere
   * @throws {@link DatabaseUnavailableError} when the link cannot be used up; nothing was sent anywhere
   */
  async finish(
    slug: string,
    { parameters: callback, refusal }: CallbackReading,
    arrival: CallbackArrival,
  ): Promise<CallbackOutcome> {
    const { state } = callback;
    const unknown = this.registry.has(slug)
      ? new AuthorizationStateError('no link has the state of the callback')
      : new UnknownProviderError();
    if (state === undefined) {
      throw unknown;
    }
    const stateHash = hashOneTimeSecret(state);
    const link = this.registry.has(slug) ? await this.store.consume(stateHash, slug) : undefined;
    if (link === undefined) {
      return this.revisits.tell(stateHash, arrival.requester, unknown);
    }
    countStage(slug, 'returned');
    const open = async (): Promise<ParkedCallback> => {
      if (refusal !== undefined) {
        throw refusal;
      }
      return { callback, secrets: await this.vault.openSecrets(link) };
    };
    return this.receive(this.registry.get(slug), link, open, arrival);
  }

  /**
   * Resumes a callback that came by a form, now that the browser can show its cookie (AR-16).
   *
   * @param linkId - the link
   * @param handle - the one-time secret that the posted form named
   * @returns as {@link finish} does
   * @throws {@link AuthorizationStateError} when no callback of this link has waited for this handle
   * @throws {@link DatabaseUnavailableError}
   */
  async resume(linkId: string, handle: string, arrival: CallbackArrival): Promise<CallbackOutcome> {
    const parkedHash = hashOneTimeSecret(handle);
    const link = await this.store.takeParked(linkId, 'binding', parkedHash);
    if (link === undefined) {
      return this.revisits.tellResumed(linkId, parkedHash);
    }
    const provider = this.registry.get(link.provider);
    return this.receive(provider, link, () => this.vault.openParked(link, 'binding', parkedHash), arrival);
  }

  /**
   * Redeems the callback of a link after the company has named the user who is signed in at its page (AR-04).
   *
   * @param linkId - the link
   * @param userId - the user who is signed in there
   * @param confirmationCode - from the browser's return URL
   * @param confirmer - the caller, and the providers that it may use
   * @returns the connection
   * @throws {@link AuthorizationStateError} when no callback waits for this code: not yet, not any more, or never
   * @throws {@link LinkUserMismatchError} when the link was started for another user; nothing was redeemed, the link
   *   has ended
   * @throws {@link DatabaseUnavailableError} when the callback cannot be taken; the call may be repeated
   * @throws a provider error when the redemption failed; the link has ended
   */
  async confirm(
    linkId: string,
    userId: string,
    confirmationCode: string,
    { requester, providers }: LinkConfirmer,
  ): Promise<{ readonly provider: string } & ConnectedAccount> {
    const parkedHash = hashOneTimeSecret(confirmationCode);
    const link = await this.store.takeParked(linkId, 'confirmation', parkedHash, providers);
    if (link === undefined) {
      await this.refusals.noteConfirmation(linkId, providers, requester);
      throw new AuthorizationStateError('no callback waits for this confirmation code');
    }
    if (link.userId !== userId) {
      const mismatch = new LinkUserMismatchError();
      await this.redemption.noteFailure(link, mismatch, requester, 'user_mismatch');
      throw mismatch;
    }
    countStage(link.provider, 'confirmed');
    try {
      await this.audit.record({
        ...requester,
        action: 'link.confirmed',
        outcome: 'success',
        userId,
        provider: link.provider,
      });
      const provider = this.registry.get(link.provider);
      const parked = await this.vault.openParked(link, 'confirmation', parkedHash);
      return { provider: link.provider, ...(await this.redemption.redeem(provider, link, parked, requester)) };
    } catch (error) {
      await this.redemption.noteFailure(link, error, requester);
      throw error;
    }
  }

  private async receive(
    provider: HealthProvider,
    link: StoredLink,
    open: () => Promise<ParkedCallback>,
    arrival: CallbackArrival,
  ): Promise<CallbackOutcome> {
    const { browserHash } = link;
    const mustShowCookie = browserHash !== null;
    // Until the sealed value is open, the row is not verified. Only the list of return URLs protects the browser
    // (AR-27).
    const returnUrl =
      link.returnUrl !== null && isAllowedReturnUrl(link.returnUrl, this.config) ? link.returnUrl : undefined;
    const outcome = { provider: link.provider, linkId: link.id, returnUrl };
    let end: string | undefined;
    try {
      const parked = await open();
      if (mustShowCookie && !arrival.byForm && !isSecretOf(arrival.findSecret(link.id), browserHash)) {
        end = 'rejected_binding';
        throw new AuthorizationStateError('the link was started in another browser');
      }
      if (mustShowCookie && arrival.byForm) {
        const { secret } = await this.park(provider, link, 'binding', parked);
        return { ...outcome, kind: 'unbound', handle: secret };
      }
      if (link.requireConfirmation) {
        if (returnUrl === undefined) {
          throw new AuthorizationStateError('the return URL of the link is no longer registered');
        }
        provider.checkCallback(parked.callback);
        const { secret, until } = await this.park(provider, link, 'confirmation', parked);
        return { ...outcome, kind: 'unconfirmed', confirmationCode: secret, expiresAt: until };
      }
      const connected = await this.redemption.redeem(provider, link, parked, arrival.requester);
      return { ...outcome, kind: 'connected', ...connected };
    } catch (error) {
      await this.redemption.noteFailure(link, error, arrival.requester, end);
      if (!(error instanceof AppError) && outcome.returnUrl !== undefined) {
        // The browser is redirected, so no filter logs this error.
        this.logger.error(error);
      }
      // An altered row does not decide where the browser goes (AR-27).
      const isAltered = error instanceof TokenUnreadableError;
      return {
        ...outcome,
        returnUrl: isAltered ? undefined : returnUrl,
        kind: 'failed',
        code: codeOf(error),
        error: toError(error),
      };
    }
  }

  /** Keeps a callback sealed, for as long as the provider accepts its code. */
  private async park(
    provider: HealthProvider,
    link: StoredLink,
    parking: Parking,
    parked: ParkedCallback,
  ): Promise<{ secret: string; until: Date }> {
    const secret = createOneTimeSecret();
    const secretHash = hashOneTimeSecret(secret);
    const sealed = this.vault.sealParked(link, parking, secretHash, parked);
    const { stateHash } = link;
    const lifetimeMs = codeLifetimeSeconds(provider) * 1_000;
    const until = await this.store.park({ stateHash, sealed }, parking, secretHash, lifetimeMs);
    if (until === undefined) {
      throw new AuthorizationStateError('the user was erased in the meantime');
    }
    if (parking === 'confirmation') {
      countStage(link.provider, 'parked');
    }
    return { secret, until };
  }
}

function codeLifetimeSeconds({ definition }: HealthProvider): number {
  const published = definition.oauth === '2.0' ? definition.codeLifetimeSeconds : undefined;
  return Math.min(published ?? longestCodeLifetimeSeconds, longestCodeLifetimeSeconds);
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('A value that is not an Error was thrown.');
}

function isSecretOf(secret: string | undefined, hash: Buffer): boolean {
  return secret !== undefined && timingSafeEqual(hashOneTimeSecret(secret), hash);
}
