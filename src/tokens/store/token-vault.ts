import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../clock/clock.js';
import { TokenUnreadableError } from '../../errors/connection.errors.js';
import { TokenRevokedError } from '../../errors/provider.errors.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { isRegistrationAt } from '../../provider-kit/registration.js';
import { VaultService } from '../../vault/vault.service.js';
import type { ConnectionKey, SealedTokenSet, Connection } from './connection.js';
import { refreshDueInMs } from '../policy/refresh-due.js';
import { expectedExpiry, parseTokenSet, type TokenSet } from '../token-set.js';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';

/** The columns of a row that concern its token set. */
export type SealedConnection = ConnectionKey & Pick<Connection, 'registrationId' | 'sealed'>;

/** Encrypts token sets for connection rows, and decrypts them. */
@Injectable()
export class TokenVault {
  constructor(
    private readonly vault: VaultService,
    private readonly registry: ProviderRegistry,
    private readonly clock: Clock,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {}

  /**
   * Seals a token set for one generation of one row, and returns the columns that can be read without a key. Call it
   * just before the set is stored: `refreshDueInMs` counts from now.
   *
   * @param row - the row, with the generation that the set will have
   * @param tokens - the set
   */
  seal(row: ConnectionKey & { registrationId: string }, tokens: TokenSet): SealedTokenSet {
    const { definition } = this.registry.get(row.provider);
    const { refreshMarginMs, assumedLifetimeMs } = this.config;
    const expected = { ...tokens, expiresAt: expectedExpiry(tokens, definition, assumedLifetimeMs) };
    return {
      sealed: this.vault.seal(tokens, toContext(row)),
      scopesGranted: tokens.grantedScopes ?? null,
      scopesUnknown: tokens.scopesUnknown ?? false,
      expiresAt: tokens.expiresAt ?? null,
      refreshable: tokens.refreshToken !== undefined,
      refreshExpiresAt: tokens.refreshExpiresAt ?? null,
      refreshDueInMs: refreshDueInMs(expected, definition, refreshMarginMs, this.clock.now(), Math.random()),
    };
  }

  /**
   * Checks that a token set can be sealed now, before the refresh token is spent for it (CR-14).
   *
   * @throws {@link KeyUnavailableError} when it cannot
   */
  ensureCanSeal(): void {
    this.vault.ensureCanSeal('connections.sealed');
  }

  /**
   * Decrypts the token set of a row.
   *
   * @throws {@link TokenUnreadableError} when key, row or bytes differ from those at sealing
   * @throws {@link TokenRevokedError} when the connection has ended and its tokens were erased
   */
  async open(connection: SealedConnection): Promise<TokenSet> {
    if (connection.sealed === null) {
      throw new TokenRevokedError(
        'This connection has ended, and its tokens are erased. The user must link the account again.',
      );
    }
    if (!isRegistrationAt(connection.registrationId, connection.provider)) {
      throw new TokenUnreadableError(`connection ${connection.id} was moved to ${connection.provider}`);
    }
    return parseTokenSet(await this.vault.open(connection.sealed, toContext(connection)));
  }

  /** Decrypts the token set of a row; `undefined` when it cannot be decrypted or was erased. */
  async openIfReadable(connection: SealedConnection): Promise<TokenSet | undefined> {
    try {
      return await this.open(connection);
    } catch (error) {
      if (error instanceof TokenUnreadableError || error instanceof TokenRevokedError) {
        return undefined;
      }
      throw error;
    }
  }
}

function toContext(row: ConnectionKey & { registrationId: string }) {
  return {
    purpose: 'connections.sealed',
    rowId: row.id,
    // The provider belongs to the registration id.
    userId: row.userId,
    registrationId: row.registrationId,
    generation: row.secretGen,
  } as const;
}
