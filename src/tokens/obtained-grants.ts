import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import type { TokenGrant } from '../provider-kit/token-grant.js';
import { ConnectionStore, type SealedTokens, type StoredConnection } from './connection-store.js';
import type { EntryKind } from './journal-entry.js';
import { RefreshJournal } from './refresh-journal.js';
import { RefreshOutcomes } from './refresh-outcomes.js';
import { RevocationOutbox } from './revocation-outbox.js';
import { toTokenSet, type TokenSet } from './token-set.js';
import { TokenVault } from './token-vault.js';

/** Pauses between attempts to save a token set that the provider has already issued. */
const saveRetryDelaysMs = [50, 100, 250, 500, 1_000, 2_000, 4_000];

/** What a provider has given for a token set, which is its only copy until it is stored. */
export interface ObtainedGrant {
  readonly previous: TokenSet;
  readonly grant: TokenGrant;
}

/** `found`: the row had the token set already, by a save whose answer was lost, or from the journal. */
type SaveOutcome = 'saved' | 'found' | 'superseded';

/**
 * Stores what a refresh has brought: first in the journal, then in the row, whatever the database does meanwhile. What comes too late for
 * the row is not left alive at the provider where nobody holds it.
 */
@Injectable()
export class ObtainedGrants {
  private readonly logger = new Logger(ObtainedGrants.name);

  constructor(
    private readonly store: ConnectionStore,
    private readonly journal: RefreshJournal,
    private readonly outbox: RevocationOutbox,
    private readonly outcomes: RefreshOutcomes,
    private readonly tokenVault: TokenVault,
  ) {}

  /**
   * Stores a grant in the place of the tokens in force, and notes the outcome of the refresh.
   *
   * @param connection - as claimed; its generation is replaced
   * @returns false when the connection is gone meanwhile; the grant is then ended
   * @throws {@link DatabaseUnavailableError} when it cannot be stored; the journal has it
   */
  async keep(connection: StoredConnection, provider: HealthProvider, obtained: ObtainedGrant): Promise<boolean> {
    const tokens = toTokenSet(obtained.grant, obtained.previous);
    const sealed = await this.record(connection, tokens, 'refreshed');
    const saved = await this.save(connection, tokens, () => this.store.saveRefreshed(connection, sealed));
    if (saved === 'saved' && obtained.grant.formerUserId !== undefined) {
      await this.store.askForAccount(connection);
    }
    const isGone = saved === 'superseded' && (await this.discard(connection, provider, tokens, obtained.previous));
    // Until the outcome is in the audit trail the journal has the entry: whoever replays it does what is left to do.
    if (await this.noteSave(connection, saved, tokens)) {
      await this.journal.forget(connection);
    }
    return !isGone;
  }

  /**
   * Stores a new refresh token with the tokens in force, where the rest of the answer is refused. The claim stays.
   *
   * @param connection - as claimed; its generation is replaced
   * @param previous - the tokens in force, whose refresh token is spent
   * @param brought - the new one, and whether the answer was about another user
   * @returns false when others have changed or removed the row meanwhile; the refresh is then noted as superseded
   * @throws {@link DatabaseUnavailableError} when it cannot be stored; the journal has it
   */
  async keepRefreshToken(
    connection: StoredConnection,
    provider: HealthProvider,
    previous: TokenSet,
    { refreshToken, namesAnotherUser }: { readonly refreshToken: string; readonly namesAnotherUser: boolean },
  ): Promise<boolean> {
    const tokens: TokenSet = {
      ...previous,
      refreshToken,
      // How long it lives is not known, and a spare one may be what was spent.
      refreshExpiresAt: undefined,
      spareRefreshToken: undefined,
      mustNameUser: namesAnotherUser || previous.mustNameUser,
    };
    const sealed = await this.record(connection, tokens, 'rotated');
    const saved = await this.save(connection, tokens, () => this.store.keepRotated(connection, sealed));
    if (saved !== 'superseded') {
      await this.journal.forget(connection);
      return true;
    }
    await this.discard(connection, provider, tokens, previous);
    if (await this.outcomes.note(connection, 'superseded')) {
      await this.journal.forget(connection);
    }
    return false;
  }

  private async record(connection: StoredConnection, tokens: TokenSet, kind: EntryKind): Promise<SealedTokens> {
    const sealed = this.tokenVault.seal({ ...connection, secretGen: connection.secretGen + 1 }, tokens);
    await this.journal.record(connection, sealed, kind);
    return sealed;
  }

  /** @returns whether the audit trail has the outcome */
  private noteSave(connection: StoredConnection, saved: SaveOutcome, tokens: TokenSet): Promise<boolean> {
    switch (saved) {
      case 'saved':
        return this.outcomes.note(connection, 'refreshed');
      case 'found':
        return this.outcomes.noteStored(connection, tokens.obtainedAt);
      case 'superseded':
        return this.outcomes.note(connection, 'superseded');
    }
  }

  /** Commits a token set that exists only here and at the provider, through short failures of the database of any kind. */
  private async save(
    connection: StoredConnection,
    tokens: TokenSet,
    store: () => Promise<boolean>,
  ): Promise<SaveOutcome> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        if (await store()) {
          return 'saved';
        }
        // Where the database has lost the set that this one replaces, the journal restores this one.
        await this.journal.hasCaughtUp(connection);
        return (await this.isStored(connection, tokens)) ? 'found' : 'superseded';
      } catch (error) {
        const delayMs = saveRetryDelaysMs[attempt];
        if (delayMs === undefined) {
          throw error;
        }
        this.logger.warn(
          `Saving refreshed tokens of connection ${connection.id} failed. Next attempt in ${delayMs} ms.`,
        );
        await sleep(delayMs);
      }
    }
  }

  /**
   * Whether the row holds this token set. A save whose answer was lost may have run; the bytes say nothing, because a rotation of
   * keys may have sealed the set anew since.
   */
  private async isStored(connection: StoredConnection, tokens: TokenSet): Promise<boolean> {
    const current = await this.store.find(connection.userId, connection.provider);
    if (current?.id !== connection.id || current.secretGen !== connection.secretGen + 1) {
      return false;
    }
    const { accessToken, refreshToken, obtainedAt } = await this.tokenVault.open(current);
    return (
      accessToken === tokens.accessToken &&
      refreshToken === tokens.refreshToken &&
      obtainedAt.getTime() === tokens.obtainedAt.getTime()
    );
  }

  /**
   * The connection was unlinked, linked anew or refreshed by somebody else while the provider answered.
   *
   * @returns whether it is gone
   */
  private async discard(
    connection: StoredConnection,
    provider: HealthProvider,
    tokens: TokenSet,
    previous: TokenSet,
  ): Promise<boolean> {
    const current = await this.store.find(connection.userId, connection.provider);
    const isSameLink = current?.id === connection.id && current.linkedAt.getTime() === connection.linkedAt.getTime();
    if (isSameLink && current.secretGen === connection.secretGen + 1) {
      const { refreshToken, mustNameUser } = tokens;
      // One that may be another user's is no spare.
      if (refreshToken !== undefined && refreshToken !== previous.refreshToken && mustNameUser !== true) {
        await this.keepSpare(current, refreshToken);
      }
      return false;
    }
    if (current !== undefined) {
      // A new link may have kept the refresh token that this refresh has replaced.
      const kept = await this.tokenVault.openIfReadable(current);
      const { refreshToken } = tokens;
      if (refreshToken !== undefined && kept?.refreshToken === previous.refreshToken && tokens.mustNameUser !== true) {
        await this.keepSpare(current, refreshToken);
        return false;
      }
      // A new link replaced the grant; ending it at the provider could end the new one with it.
      this.logger.warn(`Tokens refreshed for connection ${connection.id} are discarded: a new link has replaced them.`);
      return false;
    }
    if (provider.definition.revocation !== undefined) {
      await this.outbox.attempt(await this.outbox.add(connection, tokens));
    }
    return true;
  }

  /**
   * Two refreshes of one token set have succeeded, and which of the two pairs the provider keeps is its secret: the other refresh
   * token is kept with the set that was stored first.
   */
  private async keepSpare(current: StoredConnection, spareRefreshToken: string): Promise<void> {
    const tokens = await this.tokenVault.open(current);
    if (spareRefreshToken === tokens.refreshToken) {
      return;
    }
    const next = { ...current, secretGen: current.secretGen + 1 };
    const { sealed } = this.tokenVault.seal(next, { ...tokens, spareRefreshToken });
    const kept = await this.store.keepSpare(current, sealed);
    this.logger.warn(
      `Connection ${current.id} was refreshed twice at once. The second refresh token is ${kept ? 'kept' : 'discarded'}.`,
    );
  }
}
