import { Injectable, Logger } from '@nestjs/common';
import type { Requester } from '../audit/audit-event.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { ConnectionNotFoundError } from '../errors/connection.errors.js';
import type { Removal } from '../events/event-statement.js';
import { eventSource } from '../events/event-type.js';
import { EventUsers } from '../events/event-users.js';
import { ProviderLifecycle } from '../provider-kit/definition/provider-lifecycle.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { RefreshJournal } from './refresh/refresh-journal.js';
import { RevocationOutbox, type RevocationOutcome } from './revocation/revocation-outbox.js';
import { ConnectionStore } from './store/connection-store.js';
import type { Connection } from './store/connection.js';
import { TokenVault } from './store/token-vault.js';
import { TokensService } from './tokens.service.js';

/** How often an erasure is repeated when the connection changes at the same moment. */
const eraseAttempts = 5;

/** The outcome of revoking the grant of an erased connection. */
export interface ErasedConnection {
  readonly provider: string;
  readonly outcome: RevocationOutcome;
}

/** Erases connections, and revokes their grants at the providers. */
@Injectable()
export class ConnectionEraser {
  private readonly logger = new Logger(ConnectionEraser.name);

  constructor(
    private readonly tokens: TokensService,
    private readonly store: ConnectionStore,
    private readonly tokenVault: TokenVault,
    private readonly outbox: RevocationOutbox,
    private readonly journal: RefreshJournal,
    private readonly registry: ProviderRegistry,
    private readonly lifecycle: ProviderLifecycle,
    private readonly audit: AuditTrail,
    private readonly eventUsers: EventUsers,
  ) {}

  /**
   * Erases a connection here, then revokes its grant at the provider.
   *
   * First the audit entry is written, then the row is removed. From then on no token of the connection is returned,
   * even if the revocation fails.
   *
   * @param userId - the company's id of the user
   * @param slug - the provider
   * @param requester - who ends the connection
   * @returns the outcome at the provider: `revoked`; `unsupported` when it offers no way; `pending` when it will be
   *   retried; `failed` when no attempt is left
   * @throws {@link ConnectionNotFoundError} when there is no such connection
   * @throws {@link DatabaseUnavailableError} when it cannot be erased; nothing happened at the provider
   */
  disconnect(userId: string, slug: string, requester: Requester): Promise<RevocationOutcome> {
    return this.unlink(userId, slug, requester, this.eventUsers.removalOf(userId, eventSource(requester), false));
  }

  private async unlink(
    userId: string,
    slug: string,
    requester: Requester,
    removal: Removal,
  ): Promise<RevocationOutcome> {
    const provider = this.registry.get(slug);
    let connection = await this.tokens.get(userId, slug);
    await this.audit.record({
      ...requester,
      action: 'connection.unlinked',
      outcome: 'success',
      userId,
      provider: slug,
      connectionId: connection.id,
    });
    for (let attempt = 0; attempt < eraseAttempts; attempt += 1) {
      const outcome = await this.removeAndRevoke(connection, provider, removal);
      if (outcome !== undefined) {
        await this.journal.erase(connection.id);
        return outcome;
      }
      connection = await this.tokens.get(userId, slug);
    }
    throw new Error(`A connection changed ${eraseAttempts} times while it was being unlinked.`);
  }

  /** Removes a row and revokes its grant. Returns `undefined` when the row holds another token set by now. */
  private async removeAndRevoke(
    connection: Connection,
    provider: HealthProvider,
    removal: Removal,
  ): Promise<RevocationOutcome | undefined> {
    const tokens = await this.tokenVault.openIfReadable(connection);
    if (tokens === undefined) {
      this.logger.warn(
        `Connection ${connection.id} is erased, but its tokens cannot be decrypted, so its grant is not revoked.`,
      );
      await this.store.remove(connection.userId, connection.provider, removal);
      return 'failed';
    }
    if (provider.definition.revocation === undefined || this.lifecycle.isRetired(provider)) {
      await this.store.remove(connection.userId, connection.provider, removal);
      return 'unsupported';
    }
    return this.outbox.removeAndRevoke(connection, tokens, removal);
  }

  /**
   * Erases all connections of a user, including those to providers that this deployment no longer knows.
   *
   * @param userId - the company's id of the user
   * @param requester - who erases the user
   * @param until - erase only connections linked until then; all if absent
   * @returns the outcome for each at its provider, sorted by provider, followed by connections that were added in the
   *   meantime
   * @throws {@link DatabaseUnavailableError} when one cannot be erased
   */
  async eraseUser(userId: string, requester: Requester, until?: Date): Promise<ErasedConnection[]> {
    const erased: ErasedConnection[] = [];
    for (let attempt = 0; attempt < eraseAttempts; attempt += 1) {
      const connections = (await this.store.list(userId)).filter(
        ({ linkedAt }) => until === undefined || linkedAt <= until,
      );
      if (connections.length === 0) {
        return erased;
      }
      const outcomes = connections.map(async ({ provider }) => ({
        provider,
        outcome: await this.eraseConnection(userId, provider, requester),
      }));
      erased.push(...(await Promise.all(outcomes)));
      // A migration may have put another connection in the place of one behind the list.
    }
    throw new Error(`A user had new connections ${eraseAttempts} times while being erased.`);
  }

  /**
   * Erases a connection that was made while its user was being erased, and its event.
   *
   * @throws {@link DatabaseUnavailableError} when it cannot be erased
   */
  async undoConnect(userId: string, slug: string, requester: Requester): Promise<void> {
    await this.eraseConnection(userId, slug, requester);
    await this.eventUsers.forget(userId);
  }

  private async eraseConnection(
    userId: string,
    slug: string,
    requester: Requester,
  ): Promise<ErasedConnection['outcome']> {
    const removal = this.eventUsers.removalOf(userId, eventSource(requester), true);
    if (!this.registry.has(slug)) {
      const removed = await this.store.remove(userId, slug, removal);
      if (removed !== undefined) {
        await this.journal.erase(removed.id);
      }
      return 'unsupported';
    }
    try {
      return await this.unlink(userId, slug, requester, removal);
    } catch (error) {
      if (error instanceof ConnectionNotFoundError) {
        // Somebody else has unlinked it at this moment.
        return 'revoked';
      }
      throw error;
    }
  }
}
