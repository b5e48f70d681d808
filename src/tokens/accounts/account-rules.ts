import { Inject, Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../database/database.js';
import { AccountAlreadyLinkedError } from '../../errors/connection.errors.js';
import { VaultService } from '../../vault/vault.service.js';
import { ConnectionStore } from '../store/connection-store.js';
import type { StoredAccount, Connection } from '../store/connection.js';
import type { TokenSet } from '../token-set.js';
import { TokenVault } from '../store/token-vault.js';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';

const isUnknownOfAnother: Statement = {
  name: 'connections-is-account-unknown-of-another',
  text: `SELECT 1 AS found FROM connections
         WHERE registration_id = $1 AND account_digest IS NULL AND status = 'active' AND user_id <> $2 LIMIT 1`,
};

/** The rule for a link whose account differs from that of the connection. */
export type OnAccountChange = 'refuse' | 'replace';

/** The user and the registration of a token set. */
interface AccountOwner {
  readonly userId: string;
  readonly registrationId: string;
}

/** The ids of an account in a token set. */
type Account = Pick<TokenSet, 'providerUserId' | 'formerUserId'>;

/** Applies the rules for which user may connect an account at a provider (AR-23, AR-24). */
@Injectable()
export class AccountRules {
  constructor(
    private readonly database: Database,
    private readonly store: ConnectionStore,
    private readonly tokenVault: TokenVault,
    private readonly vault: VaultService,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {}

  /**
   * Returns the stored form of the account of a token set. An account that the provider does not return belongs to
   * nobody.
   */
  identify(registrationId: string, { providerUserId, formerUserId }: Account): StoredAccount {
    const digestOf = (id: string | undefined): Buffer | null =>
      id === undefined ? null : this.vault.digest('connections.account', [registrationId, id]);
    const digest = digestOf(providerUserId);
    return {
      digest,
      formerDigest: digestOf(formerUserId),
      exclusive: digest !== null && !this.config.accountSharing,
      isPending: false,
    };
  }

  /**
   * Rejects an account that another user has connected. The unique index decides between two users who link it at the
   * same moment.
   *
   * @throws {@link AccountAlreadyLinkedError}
   */
  async checkFree({ userId }: AccountOwner, account: StoredAccount): Promise<void> {
    if (account.exclusive && (await this.isTaken(account, userId))) {
      throw new AccountAlreadyLinkedError();
    }
  }

  /** Whether the account of a token set belongs to another user by now, if accounts are not shared. */
  async isOfAnother({ userId, registrationId }: AccountOwner, tokens: TokenSet): Promise<boolean> {
    const account = this.identify(registrationId, tokens);
    return account.exclusive && (await this.isTaken(account, userId));
  }

  /**
   * Compares the account of a new token set with that of the connection it would replace.
   *
   * @returns the old token set when it belongs to another account
   */
  async findReplaced(existing: Connection, tokens: TokenSet): Promise<TokenSet | undefined> {
    // A new link repairs a row that cannot be decrypted, or is empty.
    const old = await this.tokenVault.openIfReadable(existing);
    const differs =
      old?.providerUserId !== undefined && tokens.providerUserId !== undefined && !isSameAccount(old, tokens);
    return differs ? old : undefined;
  }

  /** Whether the account of a connection is known. */
  async isKnown(existing: Connection): Promise<boolean> {
    return (await this.tokenVault.openIfReadable(existing))?.providerUserId !== undefined;
  }

  /**
   * Whether another user's connection has the account of a token set, or may have it. It may have it if the account of
   * a connection with the same registration is unknown. Sharing does not matter here.
   */
  async mayBelongToAnother({ userId, registrationId }: AccountOwner, tokens: TokenSet): Promise<boolean> {
    return (
      (await this.isTaken(this.identify(registrationId, tokens), userId)) ||
      (await this.database.query(isUnknownOfAnother, [registrationId, userId])).length === 1
    );
  }

  /** Compares by the current and the previous id of the account. */
  private async isTaken({ digest, formerDigest }: StoredAccount, userId: string): Promise<boolean> {
    for (const each of [digest, formerDigest]) {
      if (each !== null && (await this.store.isAccountTaken(each, userId))) {
        return true;
      }
    }
    return false;
  }
}

/** Whether two token sets belong to one account, by its current or previous id. */
export function isSameAccount(left: Account, right: Account): boolean {
  const ids = idsOf(right);
  return idsOf(left).some((id) => ids.includes(id));
}

function idsOf({ providerUserId, formerUserId }: Account): readonly string[] {
  return [providerUserId, formerUserId].filter((id) => id !== undefined);
}
