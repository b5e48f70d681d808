import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { TokenUnreadableError } from '../errors/connection.errors.js';
import type { SealContext } from '../vault/associated-data.js';
import { VaultService } from '../vault/vault.service.js';
import type { Removal } from './event-statement.js';
import { EventStore, type StoredEvent } from './event-store.js';
import type { EventSource } from './event-type.js';

const sealedSchema = z.object({ userId: z.string() });

/**
 * The users of events. An erasure removes them (LOG-08). The company must still learn of the erasure and of the ended
 * connections. So those events keep the user's id, sealed, until they are too old.
 */
@Injectable()
export class EventUsers {
  constructor(
    private readonly store: EventStore,
    private readonly vault: VaultService,
  ) {}

  /** Deletes the events of a user; only those until an instant, if one is given. */
  forget(userId: string, until?: Date): Promise<void> {
    return this.store.eraseOfUser(userId, until);
  }

  /**
   * Returns the parameters of the event of a removed connection.
   *
   * @param userId - the user of the connection
   * @param source - who removes it
   * @param isErasure - whether the user is being erased, so that nothing may name the user in clear
   */
  removalOf(userId: string, source: EventSource, isErasure: boolean): Removal {
    const eventId = randomUUID();
    return { source, eventId, sealed: isErasure ? this.seal(eventId, userId) : null };
  }

  /** Writes the event that a user was erased. */
  async recordErasure(userId: string, source: EventSource): Promise<void> {
    const id = randomUUID();
    await this.store.addSealed(id, 'user.erased', this.seal(id, userId), source);
  }

  /**
   * Returns the user of an event; `null` when it has none.
   *
   * @throws {@link TokenUnreadableError}, {@link KeyUnavailableError} when the sealed id does not open
   */
  async of({ id, userId, sealed }: Pick<StoredEvent, 'id' | 'userId' | 'sealed'>): Promise<string | null> {
    if (sealed === null) {
      return userId;
    }
    const opened = sealedSchema.safeParse(await this.vault.open(sealed, toContext(id)));
    if (!opened.success) {
      throw new TokenUnreadableError(`the sealed value of event ${id} is not a user`);
    }
    return opened.data.userId;
  }

  private seal(id: string, userId: string): Buffer {
    return this.vault.seal({ userId }, toContext(id));
  }
}

function toContext(id: string): SealContext {
  return { purpose: 'events.sealed', rowId: id, userId: '', registrationId: '', generation: 0 };
}
