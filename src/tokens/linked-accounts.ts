import { Inject, Injectable, Logger } from '@nestjs/common';
import { AppError } from '../errors/app-error.js';
import { AccountAlreadyLinkedError, AccountChangedError } from '../errors/connection.errors.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { VaultService } from '../vault/vault.service.js';
import { ConnectionStore, type LinkedAccount, type StoredConnection } from './connection-store.js';
import type { TokenSet } from './token-set.js';
import { TokenVault } from './token-vault.js';
import { tokensConfig, type TokensConfig } from './tokens.config.js';

/** What a link may do when it brings another account than the connection has. */
export type OnAccountChange = 'refuse' | 'replace';

/** Who links, and at which registration. */
interface Linker {
  readonly userId: string;
  readonly provider: string;
  readonly registrationId: string;
  readonly onAccountChange: OnAccountChange;
}

/** Decides whose connection an account at a provider may be (AR-23, AR-24). */
@Injectable()
export class LinkedAccounts {
  private readonly logger = new Logger(LinkedAccounts.name);

  constructor(
    private readonly store: ConnectionStore,
    private readonly tokenVault: TokenVault,
    private readonly vault: VaultService,
    private readonly registry: ProviderRegistry,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {}

  /** Returns what is stored of the account of a token set. An account that the provider does not tell is nobody's. */
  identify(registrationId: string, { providerUserId }: TokenSet): LinkedAccount {
    const digest =
      providerUserId === undefined ? null : this.vault.digest('connections.account', [registrationId, providerUserId]);
    return { digest, exclusive: digest !== null && !this.config.accountSharing };
  }

  /**
   * Refuses an account that another user has connected. The unique index decides between two that link it at the same moment.
   *
   * The grant that was just received is left as it is: most providers keep one grant for a user and a client, so that ending it would
   * end the other user's connection too.
   *
   * @throws {@link AccountAlreadyLinkedError}
   */
  async checkFree({ userId }: Linker, account: LinkedAccount): Promise<void> {
    if (account.exclusive && (await this.isTaken(account, userId))) {
      throw new AccountAlreadyLinkedError();
    }
  }

  /** Tells whether the account of a token set is another user's by now, where accounts are not shared. */
  async isOfAnother(
    { userId, registrationId }: Pick<Linker, 'userId' | 'registrationId'>,
    tokens: TokenSet,
  ): Promise<boolean> {
    const account = this.identify(registrationId, tokens);
    return account.exclusive && (await this.isTaken(account, userId));
  }

  /**
   * Compares the account of a new token set with that of the connection it would replace. A grant that is refused is ended at the
   * provider: it belongs to an account that nobody here has.
   *
   * @returns the old token set when it is of another account and may be replaced
   * @throws {@link AccountChangedError} when it is of another account and may not
   */
  async checkChange(linker: Linker, existing: StoredConnection, tokens: TokenSet): Promise<TokenSet | undefined> {
    // A new link mends a row that does not open any more, or is empty.
    const old = await this.tokenVault.openIfReadable(existing);
    const differs =
      old?.providerUserId !== undefined &&
      tokens.providerUserId !== undefined &&
      old.providerUserId !== tokens.providerUserId;
    if (!differs) {
      return undefined;
    }
    if (linker.onAccountChange === 'refuse') {
      await this.endGrant(linker, tokens);
      throw new AccountChangedError();
    }
    return old;
  }

  /** Ends a grant that no connection holds any more, unless another user's connection lives on the same account. */
  async endGrant({ userId, provider, registrationId }: Linker, tokens: TokenSet): Promise<void> {
    try {
      if (!(await this.isTaken(this.identify(registrationId, tokens), userId))) {
        await this.registry.get(provider).revoke(tokens);
      }
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      this.logger.warn(`A grant at ${provider} that no connection holds could not be ended: ${error.code}.`);
    }
  }

  private async isTaken({ digest }: LinkedAccount, userId: string): Promise<boolean> {
    return digest !== null && (await this.store.isAccountTaken(digest, userId));
  }
}
