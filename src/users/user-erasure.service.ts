import { Injectable, Logger } from '@nestjs/common';
import type { Requester } from '../audit/audit-event.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { eventSource } from '../events/event-type.js';
import { EventUsers } from '../events/event-users.js';
import { LinkStore } from '../links/store/link-store.js';
import { ConnectionEraser, type ErasedConnection } from '../tokens/connection-eraser.js';
import { VaultService } from '../vault/vault.service.js';
import { ErasureLog } from './erasure-log.js';
import { ErasureStore } from './erasure-store.js';

const pageSize = 1_000;

/** The result of an erasure. */
export interface UserErasure {
  readonly erasedAt: Date;
  readonly connections: readonly ErasedConnection[];
}

/** Erases users, and erases them again in a database that was restored from an older backup. */
@Injectable()
export class UserErasureService {
  private readonly logger = new Logger(UserErasureService.name);

  constructor(
    private readonly store: ErasureStore,
    private readonly log: ErasureLog,
    private readonly eraser: ConnectionEraser,
    private readonly links: LinkStore,
    private readonly events: EventUsers,
    private readonly audit: AuditTrail,
    private readonly vault: VaultService,
  ) {}

  /**
   * Erases all stored data of a user, and ends the grants at the providers.
   *
   * The erasure is recorded before anything is erased. So {@link replay}, or a repeated call, finishes an interrupted
   * one. A user without stored data is no error. Only a keyed digest and the instant stay.
   *
   * @param userId - the company's id of the user
   * @param requester - who erases the user
   * @throws {@link DatabaseUnavailableError} when the database does not respond; repeat the call
   */
  async erase(userId: string, requester: Requester): Promise<UserErasure> {
    const userDigest = this.digest(userId);
    const erasedAt = await this.store.record(userDigest);
    await this.log.append({ userDigest, erasedAt });
    await this.audit.record({ ...requester, action: 'user.erased', outcome: 'success', userId });
    const connections = await this.remove(userId, requester);
    await this.events.recordErasure(userId, eventSource(requester));
    return { erasedAt, connections };
  }

  /**
   * Repeats erasures in a restored database. Erases the data of each user from before the user's erasure; later data
   * stay.
   *
   * @param file - a file of erasures; that of the settings when absent
   * @returns the number of users that were erased again
   * @throws Error when the file cannot be read; nothing was erased then
   */
  async replay(file?: string): Promise<number> {
    for (const { userDigest, erasedAt } of await this.log.read(file)) {
      await this.store.record(userDigest, erasedAt);
    }
    const erasures = new Map(
      (await this.store.list()).map(({ userDigest, erasedAt }) => [userDigest.toString('hex'), erasedAt]),
    );
    let erased = 0;
    let after = '';
    for (;;) {
      const users = await this.store.listUsers(after, pageSize);
      for (const { userId, since } of users) {
        const erasedAt = erasures.get(this.digest(userId).toString('hex'));
        if (erasedAt !== undefined && since <= erasedAt) {
          await this.remove(userId, { actor: 'cli' }, erasedAt);
          erased += 1;
        }
        after = userId;
      }
      if (users.length < pageSize) {
        return erased;
      }
    }
  }

  private async remove(userId: string, requester: Requester, until?: Date): Promise<ErasedConnection[]> {
    // First the links, so that a later callback cannot make a connection again.
    await this.links.removeOfUser(userId, until);
    await this.events.forget(userId, until);
    const connections = await this.eraser.eraseUser(userId, requester, until);
    this.logger.log(`A user was erased, with ${connections.length} connections.`);
    return connections;
  }

  private digest(userId: string): Buffer {
    return this.vault.digest('erasures.user', [userId]);
  }
}
