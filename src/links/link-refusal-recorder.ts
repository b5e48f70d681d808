import { Injectable } from '@nestjs/common';
import type { Requester } from '../audit/audit-event.js';
import { RefusalRecorder } from '../audit/refusal-recorder.js';
import { LinkSessionStore } from './store/link-session-store.js';
import { LinkStore } from './store/link-store.js';

/**
 * Audits callbacks and confirmations that match no open link: replayed, late, for another provider, or from another
 * key.
 */
@Injectable()
export class LinkRefusalRecorder {
  constructor(
    private readonly store: LinkStore,
    private readonly sessions: LinkSessionStore,
    private readonly refusals: RefusalRecorder,
  ) {}

  /**
   * Audits a callback without an open link. A state that was never issued leaves no entry, because anybody can invent
   * one.
   *
   * @param stateHash - of the state in the callback
   * @throws {@link DatabaseUnavailableError} when the link cannot be looked up
   */
  async noteCallback(stateHash: Buffer, requester: Requester): Promise<void> {
    const link = await this.store.findPlace(stateHash);
    if (link !== undefined) {
      const { id, userId, provider } = link;
      const subject = `link:${id}`;
      await this.refusals.record({ ...requester, ...refused, userId, provider, subject }, subject);
    }
  }

  /**
   * Audits a confirmation without a waiting callback: with a wrong code, too early, too late, repeated, or by a key for
   * other providers. The entry names the link and its user, if the link exists and the key may use its provider. It
   * does not name the user in the confirmation.
   *
   * @param linkId - as the caller wrote it
   * @param providers - the only ones that the caller may use; all when absent
   * @throws {@link DatabaseUnavailableError} when the link cannot be looked up
   */
  async noteConfirmation(
    linkId: string,
    providers: ReadonlySet<string> | undefined,
    requester: Requester,
  ): Promise<void> {
    const link = await this.store.findPlaceById(linkId);
    if (link === undefined || providers?.has(link.provider) === false) {
      await this.refusals.record({ ...requester, ...refused }, requester.actor);
    } else {
      const { userId, provider } = link;
      const subject = `link:${link.id}`;
      await this.refusals.record({ ...requester, ...refused, userId, provider, subject }, subject);
    }
  }

  /**
   * Audits an attempt to open a link session that is over, or bound to another browser. A token that was never issued
   * leaves no entry.
   *
   * @throws {@link DatabaseUnavailableError} when the session cannot be looked up
   */
  async noteSession(tokenHash: Buffer, requester: Requester): Promise<void> {
    const userId = await this.sessions.findUser(tokenHash);
    if (userId !== undefined) {
      const source = `session:${tokenHash.toString('hex')}`;
      const event = { action: 'access.denied', userId, code: 'LINK_SESSION_INVALID' } as const;
      await this.refusals.record({ ...requester, ...event }, source);
    }
  }

  /** Audits that the row of a link session was altered. */
  async noteAlteredSession(tokenHash: Buffer, userId: string, requester: Requester): Promise<void> {
    const source = `session:${tokenHash.toString('hex')}`;
    const event = { action: 'access.denied', userId, code: 'TOKEN_UNREADABLE' } as const;
    await this.refusals.record({ ...requester, ...event }, source);
  }
}

const refused = { action: 'link.failed', code: 'AUTHORIZATION_STATE_INVALID' } as const;
