import { Inject, Injectable } from '@nestjs/common';
import type { Requester } from '../../audit/audit-event.js';
import { LinkSessionInvalidError } from '../../errors/authorization.errors.js';
import { TokenUnreadableError } from '../../errors/connection.errors.js';
import { ProviderNotConfiguredError, UnknownProviderError } from '../../errors/provider.errors.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { ProviderLifecycle } from '../../provider-kit/definition/provider-lifecycle.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import type { OutcomeName } from '../../web/languages/en.js';
import { LinkRefusalRecorder } from '../link-refusal-recorder.js';
import { LinkSessionStore, type ConnectionAccess, type StoredLinkSession } from '../store/link-session-store.js';
import { LinkStore, type EndedLink } from '../store/link-store.js';
import { LinkVault } from '../store/link-vault.js';
import { linksConfig, type LinksConfig } from '../links.config.js';
import type { LinkRequest, StartedLink } from '../link-terms.js';
import { LinksService } from '../links.service.js';
import { createOneTimeSecret, hashOneTimeSecret } from '../store/one-time-secret.js';
import { hostedPageUrl, isAllowedReturnUrl } from '../return-url.js';

/** Lifetime of a session in milliseconds. */
const sessionLifetimeMs = 10 * 60 * 1_000;

/** The terms of a session as a caller asks for them. */
export interface LinkSessionRequest extends Pick<LinkRequest, 'userId' | 'returnUrl' | 'requireConfirmation'> {
  /** Slugs; `undefined` for every provider that can be linked. */
  readonly providers: readonly string[] | undefined;
  readonly connectionAccess: ConnectionAccess;
}

/** A session that the browser of a request has opened. */
export interface OpenLinkSession extends StoredLinkSession {
  /** Names the session in URLs and forms; no secret. */
  readonly handle: string;
}

/** Permissions for one browser to link accounts of one user on the hosted page (AR-05). */
@Injectable()
export class LinkSessionsService {
  constructor(
    private readonly store: LinkSessionStore,
    private readonly linkStore: LinkStore,
    private readonly vault: LinkVault,
    private readonly links: LinksService,
    private readonly registry: ProviderRegistry,
    private readonly lifecycle: ProviderLifecycle,
    private readonly refusals: LinkRefusalRecorder,
    @Inject(linksConfig.KEY) private readonly config: LinksConfig,
  ) {}

  /**
   * Makes a session.
   *
   * @returns its token, which is not stored and works once, the URL that opens it, and its end
   * @throws {@link UnknownProviderError}, {@link ReturnUrlNotAllowedError}, {@link RequestInvalidError} as a link does
   * @throws {@link ProviderNotConfiguredError} when it could link nothing
   * @throws {@link DatabaseUnavailableError} when it cannot be stored
   */
  async create(
    request: LinkSessionRequest,
  ): Promise<{ readonly token: string; readonly connectUrl: string; readonly expiresAt: Date }> {
    const { userId, providers, connectionAccess } = request;
    providers?.forEach((slug) => this.registry.get(slug));
    if (this.listProviders({ providers: providers ?? null }).length === 0) {
      throw new ProviderNotConfiguredError(
        'None of these providers can be linked in this deployment. The operator must set a client ID and secret.',
      );
    }
    const token = createOneTimeSecret();
    const session = {
      tokenHash: hashOneTimeSecret(token),
      userId,
      providers: providers ?? null,
      ...this.links.checkTerms(request),
      connectionAccess,
      browserHash: null,
      expiresAt: await this.linkStore.readEnd(sessionLifetimeMs),
    };
    const { expiresAt } = session;
    await this.store.insert({ ...session, mac: this.vault.signSession(session) }, this.config.mostLinks.perUser);
    return { token, connectUrl: `${this.config.publicUrl}/connect?link_token=${token}`, expiresAt };
  }

  /**
   * Returns a session that can be opened. Changes nothing, so that a scanner or prefetch does not use it up.
   *
   * @returns its return URL, if the browser may be sent there; `undefined` when no such session waits
   */
  async findUnopened(token: string): Promise<{ readonly returnUrl: string | undefined } | undefined> {
    const session = await this.store.findUnopened(hashOneTimeSecret(token));
    return session && { returnUrl: this.returnUrlOf(session) };
  }

  /** Returns the URL to which the page of a session leads back. */
  returnUrlOf({ returnUrl }: Pick<StoredLinkSession, 'returnUrl'>): string | undefined {
    return returnUrl !== null && isAllowedReturnUrl(returnUrl, this.config) ? returnUrl : undefined;
  }

  /** Keeps the outcome of an action for the page of a session, which shows it once. */
  addNotice({ tokenHash }: OpenLinkSession, slug: string, outcome: OutcomeName): Promise<void> {
    return this.store.addNotice(tokenHash, `${slug} ${outcome}`);
  }

  /** Returns the outcomes that the page of a session has not shown yet, and forgets them. */
  async takeNotices({
    tokenHash,
  }: OpenLinkSession): Promise<{ readonly provider: string; readonly outcome: string }[]> {
    const notices = await this.store.takeNotices(tokenHash);
    return notices.map((notice) => {
      const [provider = '', outcome = ''] = notice.split(' ');
      return { provider, outcome };
    });
  }

  /**
   * Opens a session, in one browser only.
   *
   * @param requester - who opens it, for the audit trail
   * @returns the session, and the secret for the browser's cookie
   * @throws {@link LinkSessionInvalidError} when it does not exist, has expired, or a browser has opened it
   */
  async open(
    token: string,
    requester: Requester,
  ): Promise<{ readonly session: OpenLinkSession; readonly secret: string }> {
    const tokenHash = hashOneTimeSecret(token);
    const browserSecret = createOneTimeSecret();
    const browserHash = hashOneTimeSecret(browserSecret);
    const session = await this.store.findUnopened(tokenHash);
    if (session !== undefined) {
      await this.check(session, requester);
      if (await this.store.bind(tokenHash, browserHash, this.vault.signSession({ ...session, browserHash }))) {
        return { session: { ...session, browserHash, handle: this.handleOf(token) }, secret: browserSecret };
      }
    }
    await this.refusals.noteSession(tokenHash, requester);
    throw new LinkSessionInvalidError();
  }

  /** Returns the handle of the session that a token opens. */
  handleOf(token: string): string {
    return hashOneTimeSecret(token).toString('base64url');
  }

  /**
   * Returns a session that a browser has opened. One browser may have opened several. The handle names the session, and
   * the cookie proves that this browser opened it.
   *
   * @param handle - of the session, as the page's URL or form has it
   * @param secret - from the browser's cookie for this session, if it has one
   * @param follower - the requester who follows the link of the session, if any
   * @throws {@link LinkSessionInvalidError} when the browser has not opened it, or it has expired
   */
  async get(handle: string, secret: string | undefined, follower?: Requester): Promise<OpenLinkSession> {
    const tokenHash = Buffer.from(handle, 'base64url');
    const session = secret === undefined ? undefined : await this.store.findBound(tokenHash, hashOneTimeSecret(secret));
    if (session === undefined) {
      if (follower !== undefined) {
        await this.refusals.noteSession(tokenHash, follower);
      }
      throw new LinkSessionInvalidError();
    }
    await this.check(session, follower ?? { actor: 'browser' });
    return { ...session, handle };
  }

  /**
   * Returns the outcomes of links that a browser has started in a session and that return to its page.
   *
   * @param secrets - of links, by id, from the browser's cookies
   */
  async findEnded(session: OpenLinkSession, secrets: ReadonlyMap<string, string>): Promise<EndedLink[]> {
    const page = hostedPageUrl(session.handle, this.config);
    const ended = secrets.size === 0 ? [] : await this.linkStore.findEnded(session.userId, [...secrets.keys()]);
    return ended.filter(
      ({ id, returnUrl, browserHash }) =>
        returnUrl === page && browserHash?.equals(hashOneTimeSecret(secrets.get(id) ?? '')) === true,
    );
  }

  /** @throws {@link TokenUnreadableError} when the row was altered, which is audited */
  private async check(session: StoredLinkSession, requester: Requester): Promise<void> {
    try {
      await this.vault.checkSession(session);
    } catch (error) {
      if (error instanceof TokenUnreadableError) {
        await this.refusals.noteAlteredSession(session.tokenHash, session.userId, requester);
      }
      throw error;
    }
  }

  /** Returns the providers that may be linked in a session now, sorted by name. */
  listProviders(session: Pick<StoredLinkSession, 'providers'>): HealthProvider[] {
    return this.registry
      .list()
      .filter((provider) => session.providers?.includes(provider.definition.slug) ?? true)
      .filter((provider) => this.links.isLinkable(provider) && !this.lifecycle.isPastItsEnd(provider))
      .sort((left, right) => left.definition.displayName.localeCompare(right.definition.displayName, 'en'));
  }

  /**
   * Starts a link in a session.
   *
   * @returns the link, and the secret for a cookie without which its callback is refused (AR-03)
   * @throws {@link UnknownProviderError} when the session does not allow the provider
   * @throws as `LinksService.begin` does
   */
  async start(
    session: OpenLinkSession,
    slug: string,
    requester: Requester,
  ): Promise<StartedLink & { readonly browserSecret: string }> {
    if (session.providers?.includes(slug) === false) {
      throw new UnknownProviderError();
    }
    const { userId, requireConfirmation } = session;
    const returnUrl = session.returnUrl ?? hostedPageUrl(session.handle, this.config);
    const browserSecret = createOneTimeSecret();
    const onAccountChange = 'refuse' as const;
    const terms = {
      userId,
      onAccountChange,
      provider: slug,
      scopes: undefined,
      returnUrl,
      requireConfirmation,
      browserSecret,
    };
    return { ...(await this.links.begin(terms, requester)), browserSecret };
  }
}
