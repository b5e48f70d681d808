import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { AppError } from '../errors/app-error.js';
import { AuthorizationStateError } from '../errors/authorization.errors.js';
import { TokenUnreadableError } from '../errors/connection.errors.js';
import { ProviderNotConfiguredError, ProviderRetiredError } from '../errors/provider.errors.js';
import type { CallbackParameters, HandshakeSecrets } from '../provider-kit/handshake.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import { lifecycleAt } from '../provider-kit/lifecycle.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { registrationHash, registrationId } from '../provider-kit/registration.js';
import type { TokenGrant } from '../provider-kit/token-grant.js';
import { TokensService } from '../tokens/tokens.service.js';
import type { SealContext } from '../vault/associated-data.js';
import { VaultService } from '../vault/vault.service.js';
import { createState, hashState, linkLifetimeMs } from './link-state.js';
import { LinkStore, type StoredLink } from './link-store.js';
import { linksConfig, type LinksConfig } from './links.config.js';
import { linkOutcomes, retiringLinks } from './links.metrics.js';
import { checkReturnUrl } from './return-url.js';

/** What a caller asks for when a link is started. */
export interface LinkRequest {
  readonly userId: string;
  readonly provider: string;
  readonly returnUrl: string | undefined;
  readonly scopes: readonly string[] | undefined;
}

/** A link that waits for its callback. */
export interface StartedLink {
  /** The provider's authorisation URL, for the user's browser. */
  readonly linkWebUrl: string;
  readonly state: string;
  readonly expiresAt: Date;
  /** Set when the provider will be shut down. */
  readonly retirement: Retirement | undefined;
}

/** The announced end of a provider. */
export interface Retirement {
  readonly message: string;
  /** `YYYY-MM-DD`, the last day. */
  readonly sunsetAt: string;
  readonly replacedBy: string | undefined;
}

/** How a callback ended. `returnUrl` is where the browser goes with it, if the link named one. */
export type CallbackOutcome = { readonly provider: string; readonly returnUrl: string | undefined } & (
  { readonly kind: 'connected'; readonly connectionId: string } | { readonly kind: 'failed'; readonly error: AppError }
);

/** One attempt to connect: starts it, and turns its callback into a connection. */
@Injectable()
export class LinksService {
  private readonly logger = new Logger(LinksService.name);

  constructor(
    private readonly registry: ProviderRegistry,
    private readonly store: LinkStore,
    private readonly vault: VaultService,
    private readonly tokens: TokensService,
    private readonly clock: Clock,
    @Inject(linksConfig.KEY) private readonly config: LinksConfig,
  ) {}

  /**
   * Starts a link. For OAuth 1.0a the provider is asked for temporary credentials first.
   *
   * @throws {@link UnknownProviderError}, {@link ProviderNotConfiguredError}, {@link ProviderRetiredError},
   *   {@link ReturnUrlNotAllowedError}
   * @throws {@link DatabaseUnavailableError} when the link cannot be stored
   * @throws a provider error when an OAuth 1.0a provider does not give temporary credentials
   */
  async start(request: LinkRequest): Promise<StartedLink> {
    const provider = this.registry.get(request.provider);
    if (provider.settings.mode === 'not-configured') {
      throw new ProviderNotConfiguredError(
        `${provider.definition.displayName} is not set up in this deployment. The operator has to set its client id and secret.`,
      );
    }
    const retirement = this.checkLifecycle(provider);
    const returnUrl = request.returnUrl === undefined ? null : checkReturnUrl(request.returnUrl, this.config);
    const state = createState();
    const scopes = request.scopes ?? provider.settings.scopes;
    const handshake = { state, redirectUri: provider.settings.redirectUri, scopes };
    const { authorizeUrl, secrets } = await provider.begin(handshake);
    const link = {
      id: randomUUID(),
      stateHash: hashState(state),
      userId: request.userId,
      provider: request.provider,
      registrationId: registrationId(provider),
      registrationHash: registrationHash(provider),
      returnUrl,
      scopes,
    };
    const sealed = this.vault.seal(secrets, toContext(link));
    const expiresAt = await this.store.insert({ ...link, sealed }, linkLifetimeMs);
    return { linkWebUrl: authorizeUrl, state, expiresAt, retirement };
  }

  /** @returns what the caller has to be warned of, if anything */
  private checkLifecycle(provider: HealthProvider): Retirement | undefined {
    const { slug, displayName } = provider.definition;
    const lifecycle = lifecycleAt(provider.definition.lifecycle, this.clock.now());
    if (lifecycle.status === 'live') {
      return undefined;
    }
    const successor = lifecycle.replacedBy === undefined ? '' : ` Link with "${lifecycle.replacedBy}" instead.`;
    if (lifecycle.status === 'retired') {
      if (provider.settings.mode !== 'sandbox' && !this.config.allowRetiredProviders) {
        throw new ProviderRetiredError(`${displayName} was shut down on ${lifecycle.sunsetAt}.${successor}`);
      }
      return undefined;
    }
    retiringLinks.inc({ provider: slug });
    const message = `${displayName} will be shut down on ${lifecycle.sunsetAt}.${successor}`;
    this.logger.warn(message);
    return { message, sunsetAt: lifecycle.sunsetAt, replacedBy: lifecycle.replacedBy };
  }

  /**
   * Ends a link with its callback: uses the link up, redeems the code or verifier once, stores the connection.
   *
   * @param slug - the provider whose callback was called
   * @param parameters - of the callback, each at most once
   * @returns the outcome, also when it is a failure of a link that is known
   * @throws {@link UnknownProviderError} when there is no such provider
   * @throws {@link AuthorizationStateError} when the callback belongs to no open link; nothing was sent anywhere
   * @throws {@link DatabaseUnavailableError} when the link cannot be used up; nothing was sent anywhere
   */
  async finish(slug: string, parameters: CallbackParameters): Promise<CallbackOutcome> {
    const provider = this.registry.get(slug);
    const { state } = parameters;
    if (state === undefined) {
      throw new AuthorizationStateError('callback without state');
    }
    const link = await this.store.consume(hashState(state), slug);
    if (link === undefined) {
      throw new AuthorizationStateError('no open link has this state');
    }
    const outcome = { provider: slug, returnUrl: link.returnUrl ?? undefined };
    try {
      const connectionId = await this.redeem(provider, link, state, parameters);
      if (!(await this.noteOutcome(link, slug, 'connected'))) {
        return { ...outcome, kind: 'failed', error: await this.undo(link) };
      }
      return { ...outcome, kind: 'connected', connectionId };
    } catch (error) {
      if (!(error instanceof AppError)) {
        await this.noteOutcome(link, slug, 'INTERNAL_ERROR');
        throw error;
      }
      this.logger.warn(
        `Link ${link.id} to ${slug} failed with ${error.code}${error.detail === undefined ? '' : ` (${error.detail})`}.`,
      );
      await this.noteOutcome(link, slug, error.code);
      return { ...outcome, kind: 'failed', error };
    }
  }

  private async redeem(
    provider: HealthProvider,
    link: StoredLink,
    state: string,
    parameters: CallbackParameters,
  ): Promise<string> {
    if (!registrationHash(provider).equals(link.registrationHash)) {
      throw new AuthorizationStateError('the settings of the provider changed after the link was started');
    }
    const secrets = parseSecrets(await this.vault.open(link.sealed, toContext(link)));
    const handshake = { state, redirectUri: provider.settings.redirectUri, scopes: link.scopes };
    const grant = await this.withProviderUserId(
      provider,
      await provider.complete(parameters, handshake, secrets),
      link,
    );
    await provider.prepareAccount(grant);
    return this.tokens.connect(link, grant);
  }

  /** A profile call that fails does not undo what the user has just allowed; the id can be learnt later. */
  private async withProviderUserId(provider: HealthProvider, grant: TokenGrant, link: StoredLink): Promise<TokenGrant> {
    try {
      return grant.with({ providerUserId: await provider.findProviderUserId(grant) });
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      this.logger.warn(`Link ${link.id}: the user's id at ${link.provider} is not known yet (${error.code}).`);
      return grant;
    }
  }

  /** The user was erased while the provider answered: what the link has brought since goes too. */
  private async undo(link: StoredLink): Promise<AppError> {
    await this.tokens.disconnect(link.userId, link.provider);
    return new AuthorizationStateError('the user was erased meanwhile');
  }

  /**
   * The link has ended whether or not this is written; the row is for those who look later.
   *
   * @returns false when the row is gone
   */
  private async noteOutcome(link: StoredLink, provider: string, outcome: string): Promise<boolean> {
    linkOutcomes.inc({ provider, outcome });
    try {
      return await this.store.finish(link.stateHash, outcome);
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      this.logger.warn(`The outcome ${outcome} of link ${link.id} could not be stored: ${error.code}.`);
      return true;
    }
  }
}

function toContext(link: Omit<StoredLink, 'sealed'>): SealContext {
  const { id, userId, registrationId: registration } = link;
  return { purpose: 'links.sealed', rowId: id, userId, registrationId: registration, generation: 0 };
}

function parseSecrets(opened: unknown): HandshakeSecrets {
  if (typeof opened !== 'object' || opened === null) {
    throw new TokenUnreadableError('the sealed value of the link is not an object');
  }
  return opened;
}
