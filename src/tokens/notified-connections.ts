import { timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import { announce, typesOf, withEvents } from '../events/event-statement.js';
import type { GrantTokens, HealthProvider } from '../provider-kit/health-provider.js';
import { registrationId } from '../provider-kit/registration.js';
import { AccountRules } from './accounts/account-rules.js';
import { RefreshRecorder } from './refresh/refresh-recorder.js';
import { ConnectionStore } from './store/connection-store.js';
import type { ConnectionKey, EndReason, Connection } from './store/connection.js';
import { tokenFingerprint } from './store/token-fingerprint.js';
import { TokenVault } from './store/token-vault.js';
import { sealedScopes } from './token-set.js';

/** Reasons that only a proven notification gives. */
export type NotifiedReason = Extract<EndReason, 'deauthorized' | 'account_deleted'>;

const end: Statement = {
  name: 'connections-end-notified',
  // A refresh in flight or in doubt must end first. Otherwise its tokens would be stored after the end.
  text: withEvents(
    `UPDATE connections SET status = 'needs_relink', end_reason = $5, ended_at = now(), secret_gen = secret_gen + 1,
       sealed = NULL, account_due_at = NULL, refresh_due_at = NULL, lease_id = NULL, leased_until = NULL, retry_at = NULL,
       ${announce(typesOf('connection.needs_relink'))}
     WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4 AND status = 'active'
       AND attempt_started_at IS NULL`,
    { origin: { source: 'notification', proof: 'signed' }, reason: 'end_reason' },
    'id',
  ),
};

/** Applies notifications of providers to connections. */
@Injectable()
export class NotifiedConnections {
  constructor(
    private readonly database: Database,
    private readonly store: ConnectionStore,
    private readonly tokenVault: TokenVault,
    private readonly accounts: AccountRules,
    private readonly recorder: RefreshRecorder,
  ) {}

  /** Returns the keyed digest by which connections know an account of a provider. */
  digestAccount(provider: HealthProvider, accountId: string): Buffer {
    const { digest } = this.accounts.identify(registrationId(provider), { providerUserId: accountId });
    if (digest === null) {
      throw new Error('An account with an id has a digest.');
    }
    return digest;
  }

  /** Returns the user's connection to a provider, if there is one. */
  find(userId: string, provider: string): Promise<Connection | undefined> {
    return this.store.find(userId, provider);
  }

  /** Decrypts the tokens of a connection; `undefined` when they cannot be decrypted or were erased. */
  async openTokens(
    connection: Connection,
  ): Promise<(GrantTokens & { readonly expiresAt?: Date | undefined }) | undefined> {
    const tokens = await this.tokenVault.openIfReadable(connection);
    return tokens && { ...tokens, scopes: sealedScopes(tokens, connection.scopesRequested) };
  }

  /**
   * Tells whether the connection holds an access token.
   *
   * @param fingerprint - of the token, see {@link tokenFingerprint}
   */
  async holdsToken(connection: Connection, fingerprint: string): Promise<boolean> {
    const tokens = await this.tokenVault.openIfReadable(connection);
    const [held, presented] = [
      Buffer.from(tokens ? tokenFingerprint(tokens.accessToken) : ''),
      Buffer.from(fingerprint),
    ];
    return held.length === presented.length && timingSafeEqual(held, presented);
  }

  /**
   * Ends a connection and erases its tokens, because the provider has proven that its grant is gone.
   *
   * @param connection - as it was when the notification was compared with it
   * @returns whether it has ended; if not, the row has changed, or a refresh is in flight or in doubt
   * @throws {@link DatabaseUnavailableError}
   */
  async end(connection: ConnectionKey, reason: NotifiedReason): Promise<boolean> {
    const { userId, provider, id, secretGen } = connection;
    const rows = await this.database.query(end, [userId, provider, id, secretGen, reason]);
    if (rows.length === 0) {
      return false;
    }
    await this.recorder.recordEnd(connection, reason);
    return true;
  }

  /**
   * Counts a proven notification as evidence: the first refusal of the refresh token is then confirmed sooner.
   */
  async corroborate(connection: ConnectionKey): Promise<void> {
    await this.store.noteAccessRejected(connection);
  }

  /** Requests a check whether the provider's API accepts the access token. If not, the refresh token is tried. */
  async check(connection: ConnectionKey): Promise<void> {
    await this.store.askForAccount(connection);
  }
}
