import { Injectable } from '@nestjs/common';
import { ConnectionStore } from './store/connection-store.js';
import type { Connection } from './store/connection.js';
import { MigrationStore, type MigrationFacts } from './migration/migration-store.js';
import { RevocationStore, type PendingRevocation } from './revocation/revocation-store.js';
import { TokenVault } from './store/token-vault.js';

/** A connection without its tokens, with the account that is sealed beside them. */
export type ConnectionFacts = Omit<Connection, 'sealed'> & {
  /**
   * The user's id at the provider; `undefined` when the provider does not return it, or the sealed value was erased or
   * cannot be decrypted.
   */
  readonly providerUserId: string | undefined;
  /** The previous id of the user, if the provider has changed it. */
  readonly formerUserId: string | undefined;
};

/** Lists the stored facts about a user's grants, for exports. It never uses the grants. */
@Injectable()
export class UserConnectionReader {
  constructor(
    private readonly store: ConnectionStore,
    private readonly tokenVault: TokenVault,
    private readonly revocations: RevocationStore,
    private readonly migrations: MigrationStore,
  ) {}

  /**
   * Returns the connections of a user, sorted by provider, including those to providers that this deployment no longer
   * knows.
   *
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError}
   */
  async listConnections(userId: string): Promise<ConnectionFacts[]> {
    const connections = await this.store.list(userId);
    return Promise.all(
      connections.map(async ({ sealed, ...facts }) => {
        const tokens = await this.tokenVault.openIfReadable({ sealed, ...facts });
        return { ...facts, providerUserId: tokens?.providerUserId, formerUserId: tokens?.formerUserId };
      }),
    );
  }

  /**
   * Returns the connections of a user whose grants are being exchanged, sorted by provider.
   *
   * @throws {@link DatabaseUnavailableError}
   */
  listMigrations(userId: string): Promise<MigrationFacts[]> {
    return this.migrations.listOfUser(userId);
  }

  /**
   * Returns the grants of a user that are not revoked yet.
   *
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError}
   */
  listPendingRevocations(userId: string): Promise<PendingRevocation[]> {
    return this.revocations.listOfUser(userId);
  }
}
