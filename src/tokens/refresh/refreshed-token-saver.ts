import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import type { TokenResponse } from '../../provider-kit/token-response.js';
import { ConnectionStore } from '../store/connection-store.js';
import type { SealedTokenSet, Connection } from '../store/connection.js';
import type { EntryKind } from './journal-entry.js';
import { RefreshJournal } from './refresh-journal.js';
import { RefreshRecorder } from './refresh-recorder.js';
import { RevocationOutbox } from '../revocation/revocation-outbox.js';
import { toTokenSet, type TokenSet } from '../token-set.js';
import { TokenVault } from '../store/token-vault.js';

/** Pauses between attempts to save a token set that the provider has already issued. */
const saveRetryDelaysMs = [50, 100, 250, 500, 1_000, 2_000, 4_000];

/** A token response that is not persisted yet. */
export interface UnsavedTokens {
  readonly previous: TokenSet;
  readonly response: TokenResponse;
}

/** `found`: the row already had the token set, from a save whose response was lost or from the journal. */
type SaveOutcome = 'saved' | 'found' | 'superseded';

/**
 * Stores the result of a refresh, first in the journal and then in the row, through failures of the database. If the
 * row has changed, the unused grant is revoked.
 */
@Injectable()
export class RefreshedTokenSaver {
  private readonly logger = new Logger(RefreshedTokenSaver.name);

  constructor(
    private readonly store: ConnectionStore,
    private readonly journal: RefreshJournal,
    private readonly outbox: RevocationOutbox,
    private readonly recorder: RefreshRecorder,
    private readonly tokenVault: TokenVault,
  ) {}

  /**
   * Replaces the current tokens with a token response, and records the outcome of the refresh.
   *
   * @param connection - as leased; its generation is replaced
   * @returns false when the connection was removed in the meantime; the grant is then revoked
   * @throws {@link DatabaseUnavailableError} when it cannot be stored; the journal has it
   */
  async save(connection: Connection, provider: HealthProvider, unsaved: UnsavedTokens): Promise<boolean> {
    const tokens = toTokenSet(unsaved.response, unsaved.previous);
    const sealed = await this.recordInJournal(connection, tokens, 'refreshed');
    const { saved, isRecorded } = await this.saveRow(connection, tokens, sealed, 'refreshed');
    if (saved === 'saved' && unsaved.response.formerUserId !== undefined) {
      await this.store.askForAccount(connection);
    }
    const isGone = saved === 'superseded' && (await this.discard(connection, provider, tokens, unsaved.previous));
    // Until the outcome is in the audit trail the journal has the entry. A replay then does the rest.
    if (isRecorded || (saved === 'superseded' && (await this.recorder.record(connection, 'superseded')))) {
      await this.journal.forget(connection);
    }
    return !isGone;
  }

  /**
   * Stores a new refresh token with the current tokens, when the rest of the response is rejected. The lease stays.
   *
   * @param connection - as leased; its generation is replaced
   * @param previous - the current tokens, whose refresh token is spent
   * @param brought - the new refresh token, and whether the response was about another user
   * @returns false when another process has changed or removed the row; the refresh is then recorded as superseded
   * @throws {@link DatabaseUnavailableError} when it cannot be stored; the journal has it
   */
  async saveRefreshToken(
    connection: Connection,
    provider: HealthProvider,
    previous: TokenSet,
    { refreshToken, namesAnotherUser }: { readonly refreshToken: string; readonly namesAnotherUser: boolean },
  ): Promise<boolean> {
    const tokens: TokenSet = {
      ...previous,
      refreshToken,
      // Its lifetime is unknown, and the spare refresh token may be the one that was spent.
      refreshExpiresAt: undefined,
      spareRefreshToken: undefined,
      mustNameUser: namesAnotherUser || previous.mustNameUser,
    };
    const sealed = await this.recordInJournal(connection, tokens, 'rotated');
    const { saved } = await this.saveRow(connection, tokens, sealed, 'rotated');
    if (saved !== 'superseded') {
      await this.journal.forget(connection);
      return true;
    }
    await this.discard(connection, provider, tokens, previous);
    if (await this.recorder.record(connection, 'superseded')) {
      await this.journal.forget(connection);
    }
    return false;
  }

  private async recordInJournal(connection: Connection, tokens: TokenSet, kind: EntryKind): Promise<SealedTokenSet> {
    const sealed = this.tokenVault.seal({ ...connection, secretGen: connection.secretGen + 1 }, tokens);
    await this.journal.record(connection, sealed, kind);
    return sealed;
  }

  /** Commits a token set that exists only here and at the provider, through short database failures of any kind. */
  private async saveRow(
    connection: Connection,
    tokens: TokenSet,
    sealed: SealedTokenSet,
    kind: EntryKind,
  ): Promise<{ readonly saved: SaveOutcome; readonly isRecorded: boolean }> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.recorder.inTurn(connection.id, async () => {
          const saved = await this.saveOnce(connection, tokens, sealed, kind);
          return { saved, isRecorded: kind === 'refreshed' && (await this.recordSave(connection, saved, tokens)) };
        });
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

  private async saveOnce(
    connection: Connection,
    tokens: TokenSet,
    sealed: SealedTokenSet,
    kind: EntryKind,
  ): Promise<SaveOutcome> {
    const isRefreshed = kind === 'refreshed';
    const save = isRefreshed
      ? this.store.saveRefreshed(connection, sealed)
      : this.store.saveRotated(connection, sealed);
    if (await save) {
      return 'saved';
    }
    if (await this.isStored(connection, tokens)) {
      return 'found';
    }
    // A database that has lost the set which this one replaces has an older generation of the same link.
    return (await this.store.restore(connection, sealed, isRefreshed)) ? 'saved' : 'superseded';
  }

  /** @returns whether the audit trail has the stored token set */
  private async recordSave(connection: Connection, saved: SaveOutcome, tokens: TokenSet): Promise<boolean> {
    switch (saved) {
      case 'saved':
        return this.recorder.record(connection, 'refreshed');
      case 'found':
        return this.recorder.recordOnce(connection, tokens.obtainedAt);
      case 'superseded':
        return false;
    }
  }

  /**
   * Whether the row holds this token set. A save whose response was lost may have run. The bytes prove nothing, because
   * a key rotation may have sealed the set again.
   */
  private async isStored(connection: Connection, tokens: TokenSet): Promise<boolean> {
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
   * Handles a connection that was unlinked, linked again or refreshed by another process while the provider responded.
   *
   * @returns whether the connection was removed
   */
  private async discard(
    connection: Connection,
    provider: HealthProvider,
    tokens: TokenSet,
    previous: TokenSet,
  ): Promise<boolean> {
    const current = await this.store.find(connection.userId, connection.provider);
    const isSameLink = current?.id === connection.id && current.linkedAt.getTime() === connection.linkedAt.getTime();
    if (isSameLink && current.secretGen === connection.secretGen + 1) {
      const { refreshToken, mustNameUser } = tokens;
      // A refresh token that may be another user's is no spare.
      if (refreshToken !== undefined && refreshToken !== previous.refreshToken && mustNameUser !== true) {
        await this.saveSpare(current, refreshToken);
      }
      return false;
    }
    if (current !== undefined) {
      // A new link may have kept the refresh token that this refresh has replaced.
      const kept = await this.tokenVault.openIfReadable(current);
      const { refreshToken } = tokens;
      if (refreshToken !== undefined && kept?.refreshToken === previous.refreshToken && tokens.mustNameUser !== true) {
        await this.saveSpare(current, refreshToken);
        return false;
      }
      // A new link replaced the grant; ending it at the provider could end the new one with it.
      this.logger.warn(`Tokens refreshed for connection ${connection.id} are discarded: a new link has replaced them.`);
      return false;
    }
    if (provider.definition.revocation !== undefined) {
      await this.outbox.revoke(connection, tokens);
    }
    return true;
  }

  /**
   * Two refreshes of one token set have succeeded, and only the provider knows which pair it keeps. The other refresh
   * token is kept with the set that was stored first.
   */
  private async saveSpare(current: Connection, spareRefreshToken: string): Promise<void> {
    const tokens = await this.tokenVault.open(current);
    if (spareRefreshToken === tokens.refreshToken) {
      return;
    }
    const next = { ...current, secretGen: current.secretGen + 1 };
    const { sealed } = this.tokenVault.seal(next, { ...tokens, spareRefreshToken });
    const kept = await this.store.saveSpare(current, sealed);
    this.logger.warn(
      `Connection ${current.id} was refreshed twice at once. The second refresh token is ${kept ? 'kept' : 'discarded'}.`,
    );
  }
}
