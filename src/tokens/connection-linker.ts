import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppError } from '../errors/app-error.js';
import { AccountChangedError } from '../errors/connection.errors.js';
import type { ProviderDefinition } from '../provider-kit/definition/provider-definition.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import type { TokenResponse } from '../provider-kit/token-response.js';
import { AccountRules, type OnAccountChange } from './accounts/account-rules.js';
import { OrphanedGrantRevoker } from './revocation/orphaned-grant-revoker.js';
import { ConnectionStore } from './store/connection-store.js';
import type { Connection } from './store/connection.js';
import type { Metadata } from './store/metadata.js';
import { TokenVault } from './store/token-vault.js';
import { keepRefreshToken, toTokenSet, type TokenSet } from './token-set.js';

/** How often a save is repeated when two links of one user finish at the same moment. */
const connectAttempts = 5;

/** A completed link, ready to be stored. */
export interface CompletedLink {
  readonly userId: string;
  readonly provider: string;
  readonly registrationId: string;
  readonly scopes: readonly string[];
  readonly onAccountChange: OnAccountChange;
  /** Absent keeps those that the connection has. */
  readonly metadata?: Metadata | undefined;
  /**
   * Why the provider could not return the account, which is looked up again later. Absent when the account is known or
   * never will be.
   */
  readonly accountFailure?: AppError | undefined;
}

/** The connection that a link created or updated. */
export interface ConnectedAccount {
  readonly connectionId: string;
  /**
   * Whether the provider normally issues a refresh token and issued none: the connection ends when its access token
   * expires.
   */
  readonly lacksRefreshToken: boolean;
}

/** Stores the tokens of completed links as connections. */
@Injectable()
export class ConnectionLinker {
  constructor(
    private readonly store: ConnectionStore,
    private readonly tokenVault: TokenVault,
    private readonly accounts: AccountRules,
    private readonly orphanedGrants: OrphanedGrantRevoker,
    private readonly registry: ProviderRegistry,
  ) {}

  /**
   * Stores the tokens of a completed link, as a new connection or as the new tokens of an existing one. If this throws,
   * the caller must revoke the grant.
   *
   * A token response without a refresh token keeps the stored refresh token, if the account is known to be the same
   * (TE-15): some providers issue one only at the first consent.
   *
   * @param link - the link and its user
   * @param response - the token response
   * @returns the connection
   * @throws {@link AccountAlreadyLinkedError} when another user has connected the same account and accounts are not
   *   shared
   * @throws `link.accountFailure` when the account of the user's connection is known and the new one cannot be compared
   *   with it
   * @throws {@link AccountChangedError} when the user's connection has another account and the link may not replace it
   * @throws {@link DatabaseUnavailableError} when the connection cannot be stored; the user must link again
   */
  async connect(link: CompletedLink, response: TokenResponse): Promise<ConnectedAccount> {
    const { userId, provider, registrationId, scopes: scopesRequested } = link;
    const { definition } = this.registry.get(provider);
    const terms = { registrationId, scopesRequested, metadata: link.metadata };
    const received = { ...toTokenSet(response), requestedScopes: [...scopesRequested] };
    let tokens: TokenSet = received;
    const { accountFailure } = link;
    const account = { ...this.accounts.identify(registrationId, tokens), isPending: accountFailure !== undefined };
    await this.accounts.checkFree(link, account);
    for (let attempt = 0; attempt < connectAttempts; attempt += 1) {
      const existing = await this.store.find(userId, provider);
      if (existing === undefined) {
        const id = randomUUID();
        const sealed = this.tokenVault.seal({ userId, provider, id, registrationId, secretGen: 1 }, tokens);
        if (await this.store.insert({ userId, provider, id, ...terms }, sealed, account)) {
          return { connectionId: id, lacksRefreshToken: lacksRefreshToken(definition, tokens) };
        }
      } else {
        if (accountFailure !== undefined && (await this.accounts.isKnown(existing))) {
          throw accountFailure;
        }
        tokens = await this.withStoredRefreshToken(received, existing, registrationId);
        const replaced = await this.accounts.findReplaced(existing, tokens);
        if (replaced !== undefined && link.onAccountChange === 'refuse') {
          throw new AccountChangedError();
        }
        const secretGen = existing.secretGen + 1;
        const sealed = this.tokenVault.seal({ ...existing, registrationId, secretGen }, tokens);
        if (await this.store.relink(existing, terms, sealed, account)) {
          if (replaced !== undefined) {
            await this.orphanedGrants.revokeReplaced(existing, replaced);
          }
          return { connectionId: existing.id, lacksRefreshToken: lacksRefreshToken(definition, tokens) };
        }
      }
    }
    throw new Error(`A connection changed ${connectAttempts} times while it was being stored.`);
  }

  /**
   * Adds the stored refresh token to the tokens of a new link that came without one, unless the stored one may belong
   * to another account or is dead.
   */
  private async withStoredRefreshToken(
    tokens: TokenSet,
    existing: Connection,
    registrationId: string,
  ): Promise<TokenSet> {
    const isDead = existing.endReason === 'grant_refused';
    if (tokens.refreshToken !== undefined || isDead || existing.registrationId !== registrationId) {
      return tokens;
    }
    const stored = await this.tokenVault.openIfReadable(existing);
    const isSameAccount = stored?.providerUserId !== undefined && stored.providerUserId === tokens.providerUserId;
    return isSameAccount ? keepRefreshToken(tokens, stored) : tokens;
  }
}

function lacksRefreshToken(definition: ProviderDefinition, { refreshToken }: TokenSet): boolean {
  return (
    definition.oauth === '2.0' &&
    definition.noRefreshToken !== true &&
    definition.neverExpires !== true &&
    refreshToken === undefined
  );
}
