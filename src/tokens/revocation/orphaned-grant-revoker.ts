import { Injectable, Logger } from '@nestjs/common';
import { AppError, codeOf } from '../../errors/app-error.js';
import { claimedUser } from '../../provider-kit/responses/id-token.js';
import { ProviderLifecycle } from '../../provider-kit/definition/provider-lifecycle.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import type { TokenResponse } from '../../provider-kit/token-response.js';
import { ConnectionStore } from '../store/connection-store.js';
import { isSameAccount, AccountRules } from '../accounts/account-rules.js';
import { RevocationOutbox } from './revocation-outbox.js';
import type { GrantOwner } from './revocation-store.js';
import { toTokenSet, type TokenSet } from '../token-set.js';
import { TokenVault } from '../store/token-vault.js';

/**
 * Revokes grants that belong to no connection: the grant of a replaced account, and grants of links that failed after
 * their code was redeemed (AR-18, AR-24). A failure here does not change the operation that left the grant, which has
 * already finished.
 *
 * Most providers keep one grant for each user and client, so revoking one may end a working connection. Therefore a
 * grant is not revoked when a connection has its account, or may have it because the account of either is unknown.
 */
@Injectable()
export class OrphanedGrantRevoker {
  private readonly logger = new Logger(OrphanedGrantRevoker.name);

  constructor(
    private readonly store: ConnectionStore,
    private readonly tokenVault: TokenVault,
    private readonly accounts: AccountRules,
    private readonly outbox: RevocationOutbox,
    private readonly registry: ProviderRegistry,
    private readonly lifecycle: ProviderLifecycle,
  ) {}

  /**
   * Revokes the grant that a new link of another account has replaced, unless another user's connection has or may have
   * its account.
   *
   * @param connection - the connection that held the grant
   * @param tokens - the tokens that it held
   */
  revokeReplaced(connection: GrantOwner, tokens: TokenSet): Promise<void> {
    return this.revoke(connection, tokens, () => this.accounts.mayBelongToAnother(connection, tokens));
  }

  /**
   * Revokes the grant of a failed link, unless a connection has or may have its account, including one of the same
   * user.
   *
   * @param link - the link, with its id in place of a connection's
   * @param response - the token response for its code
   */
  revokeFailedLink(link: GrantOwner, response: TokenResponse): Promise<void> {
    const { account } = this.registry.get(link.provider).definition;
    const isClaimed =
      response.providerUserId === undefined && response.idToken !== undefined && account.from === 'id-token';
    const claimed = isClaimed ? claimedUser(response.idToken, account) : undefined;
    const ids = claimed && { providerUserId: claimed.userId, formerUserId: claimed.formerUserId };
    const tokens = { ...toTokenSet(response), ...ids };
    return this.revoke(link, tokens, () => this.mayBeInUse(link, tokens));
  }

  private async revoke(owner: GrantOwner, tokens: TokenSet, isInUse: () => Promise<boolean>): Promise<void> {
    const provider = this.registry.get(owner.provider);
    const { slug, revocation } = provider.definition;
    if (revocation === undefined || this.lifecycle.isRetired(provider)) {
      return;
    }
    try {
      if (await isInUse()) {
        this.logger.warn(
          `A grant at ${slug} that belongs to no connection is not revoked: that could end a connection.`,
        );
      } else {
        await this.outbox.revoke(owner, tokens);
      }
    } catch (error) {
      this.logger.warn(`A grant at ${slug} that belongs to no connection could not be revoked: ${codeOf(error)}.`);
      if (!(error instanceof AppError)) {
        this.logger.error(error);
      }
    }
  }

  private async mayBeInUse(link: GrantOwner, tokens: TokenSet): Promise<boolean> {
    const { providerUserId } = tokens;
    if (providerUserId === undefined || (await this.accounts.mayBelongToAnother(link, tokens))) {
      return true;
    }
    const own = await this.store.find(link.userId, link.provider);
    if (own?.status !== 'active') {
      return false;
    }
    const currentTokens = await this.tokenVault.openIfReadable(own);
    return currentTokens?.providerUserId === undefined || isSameAccount(currentTokens, tokens);
  }
}
