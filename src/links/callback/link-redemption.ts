import { Injectable, Logger } from '@nestjs/common';
import type { Requester } from '../../audit/audit-event.js';
import { AuditTrail } from '../../audit/audit-trail.js';
import { AppError } from '../../errors/app-error.js';
import { TokenUnreadableError } from '../../errors/connection.errors.js';
import { AuthorizationStateError } from '../../errors/authorization.errors.js';
import { isPassing } from '../../errors/provider.errors.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { ProviderLifecycle } from '../../provider-kit/definition/provider-lifecycle.js';
import { registrationHash } from '../../provider-kit/registration.js';
import type { TokenResponse } from '../../provider-kit/token-response.js';
import { OrphanedGrantRevoker } from '../../tokens/revocation/orphaned-grant-revoker.js';
import { ConnectionEraser } from '../../tokens/connection-eraser.js';
import { ConnectionLinker, type ConnectedAccount } from '../../tokens/connection-linker.js';
import { LinkStore, type StoredLink } from '../store/link-store.js';
import type { ParkedCallback } from '../store/link-vault.js';
import { countStage, linkOutcomes } from '../links.metrics.js';

/** The end of a link: redeems its callback, or records why it was not redeemed. */
@Injectable()
export class LinkRedemption {
  private readonly logger = new Logger(LinkRedemption.name);

  constructor(
    private readonly store: LinkStore,
    private readonly linker: ConnectionLinker,
    private readonly eraser: ConnectionEraser,
    private readonly orphans: OrphanedGrantRevoker,
    private readonly lifecycle: ProviderLifecycle,
    private readonly audit: AuditTrail,
  ) {}

  /**
   * Redeems the code or verifier of a callback once, stores the connection, and records the outcome. If the link fails
   * after the redemption, its grant is revoked unless that could do harm.
   *
   * @param link - already used up, so that this cannot happen twice
   * @returns the connection
   * @throws {@link ProviderRetiredError} when the provider has shut down since the link was started
   * @throws {@link AuthorizationStateError} when the settings of the provider changed after the link was started
   *   (AR-10), or the user was erased since
   * @throws the errors of the provider's `complete`, `verify` and `prepareAccount`, and those of
   *   `ConnectionLinker.connect`
   */
  async redeem(
    provider: HealthProvider,
    link: StoredLink,
    parked: ParkedCallback,
    requester: Requester,
  ): Promise<ConnectedAccount> {
    const connected = await this.connect(provider, link, parked);
    if (!(await this.noteOutcome(link, 'connected'))) {
      // The user was erased while the provider responded, so the new connection is erased too.
      await this.eraser.undoConnect(link.userId, link.provider, { actor: 'service' });
      throw new AuthorizationStateError('the user was erased in the meantime');
    }
    const { userId } = link;
    await this.audit.record({
      ...requester,
      action: 'link.completed',
      outcome: 'success',
      userId,
      provider: link.provider,
      connectionId: connected.connectionId,
    });
    if (connected.lacksRefreshToken) {
      this.logger.warn(
        `Link ${link.id}: ${link.provider} issued no refresh token. The connection ends when its access token expires.`,
      );
    }
    return connected;
  }

  /**
   * Records that a link ended with an error.
   *
   * @param outcome - for the row; the error's code when absent
   */
  async noteFailure(link: StoredLink, error: unknown, requester: Requester, outcome?: string): Promise<void> {
    const { code, detail, act } =
      error instanceof AppError ? error : { code: 'INTERNAL_ERROR' as const, detail: undefined, act: 'us' };
    const line = `Link ${link.id} to ${link.provider} failed with ${code}${detail === undefined ? '' : ` (${detail})`}.`;
    // An altered row is an attack, or a wrong key.
    this.logger[error instanceof TokenUnreadableError ? 'error' : 'warn'](line);
    await this.noteOutcome(link, outcome ?? code);
    const { userId, provider } = link;
    await this.audit
      .record({
        ...requester,
        action: 'link.failed',
        outcome: act === 'user' ? 'denied' : 'failed',
        userId,
        provider,
        code,
      })
      // The caller needs the original error.
      .catch((failure: unknown) => this.logger.error(failure));
  }

  /**
   * Records the outcome of a link. A failure here changes nothing about the outcome; the row is for later visits.
   *
   * @returns false when the row is gone
   */
  private async noteOutcome(link: StoredLink, outcome: string): Promise<boolean> {
    linkOutcomes.inc({ provider: link.provider, outcome });
    if (outcome === 'connected') {
      countStage(link.provider, 'connected');
    }
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

  private async connect(provider: HealthProvider, link: StoredLink, parked: ParkedCallback): Promise<ConnectedAccount> {
    this.lifecycle.check(provider);
    if (!registrationHash(provider).equals(link.registrationHash)) {
      throw new AuthorizationStateError('the settings of the provider changed after the link was started');
    }
    const { callback, secrets } = parked;
    // The link was found by the hash of this very state.
    const handshake = {
      state: callback['state'] ?? '',
      redirectUri: provider.settings.redirectUri,
      scopes: link.scopes,
    };
    let grant = await provider.complete(callback, handshake, secrets);
    try {
      grant = await provider.verify(grant, secrets);
      const { providerUserId, failure } = await this.findAccount(provider, grant, link);
      grant = grant.with({ providerUserId });
      await provider.prepareAccount(grant);
      return await this.linker.connect(
        { ...link, metadata: link.metadata ?? undefined, accountFailure: failure },
        grant,
      );
    } catch (error) {
      await this.orphans.revokeFailedLink(link, grant);
      throw error;
    }
  }

  /**
   * Looks up the account. A failed call does not undo the user's consent: the provider is asked again later. If it
   * refuses to return the account, the account stays unknown until the next link.
   */
  private async findAccount(
    provider: HealthProvider,
    grant: TokenResponse,
    link: StoredLink,
  ): Promise<{ providerUserId?: string | undefined; failure?: AppError }> {
    try {
      return { providerUserId: await provider.findProviderUserId(grant) };
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      this.logger.warn(`Link ${link.id}: the user's id at ${link.provider} is not known (${error.code}).`);
      return isPassing(error) ? { failure: error } : {};
    }
  }
}
