import { Injectable, Logger } from '@nestjs/common';
import { MemoryRateStorage } from '../access/memory-rate-storage.js';
import type { AuditEvent, Requester } from '../audit/audit-event.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { LinkSessionStore } from './link-session-store.js';
import { LinkStore } from './link-store.js';

/** What comes again is a habit of browsers too: so much for one link or session leaves an entry in so long. */
const maxEntries = 10;
const windowMs = 10 * 60 * 1_000;

/** Leaves an audit entry for what came to a link that was not open to it: again, too late, on another maker's path, from a wrong key. */
@Injectable()
export class LinkRefusals {
  private readonly logger = new Logger(LinkRefusals.name);
  private readonly noted = new MemoryRateStorage();

  constructor(
    private readonly store: LinkStore,
    private readonly sessions: LinkSessionStore,
    private readonly audit: AuditTrail,
  ) {}

  /**
   * Notes a callback that no open link waited for. One whose state was never given out leaves nothing: anybody can make those up.
   *
   * @param stateHash - of the state that it brought
   * @throws {@link DatabaseUnavailableError} when the link cannot be looked up
   */
  async noteCallback(stateHash: Buffer, requester: Requester): Promise<void> {
    const link = await this.store.findPlace(stateHash);
    if (link === undefined || !(await this.hasRoom(link.id))) {
      return;
    }
    const { id, userId, provider } = link;
    await this.record({ ...requester, ...refused, userId, provider, subject: `link:${id}` });
  }

  /** Notes a confirmation that no callback waited for: a wrong code, too early, too late, again, or by a key for other makers. */
  async noteConfirmation(linkId: string, userId: string, requester: Requester): Promise<void> {
    await this.record({ ...requester, ...refused, userId, subject: `link:${linkId}` });
  }

  /**
   * Notes that a link session was to be opened which is over, or bound to another browser. A token that was never given out leaves
   * nothing.
   *
   * @throws {@link DatabaseUnavailableError} when the session cannot be looked up
   */
  async noteSession(tokenHash: Buffer, requester: Requester): Promise<void> {
    const userId = await this.sessions.findUser(tokenHash);
    if (userId !== undefined && (await this.hasRoom(tokenHash.toString('hex')))) {
      await this.record({
        ...requester,
        action: 'access.denied',
        outcome: 'denied',
        userId,
        code: 'LINK_SESSION_INVALID',
      });
    }
  }

  private async hasRoom(about: string): Promise<boolean> {
    return (await this.noted.count(about, windowMs)).hits <= maxEntries;
  }

  /** The refusal stands whether or not this is written. */
  private async record(event: AuditEvent): Promise<void> {
    await this.audit.record(event).catch((failure: unknown) => this.logger.error(failure));
  }
}

const refused = { action: 'link.failed', outcome: 'denied', code: 'AUTHORIZATION_STATE_INVALID' } as const;
