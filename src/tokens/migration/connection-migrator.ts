import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AuditTrail } from '../../audit/audit-trail.js';
import { AppError } from '../../errors/app-error.js';
import { AuthorizationFailedError } from '../../errors/authorization.errors.js';
import { KeyUnavailableError } from '../../errors/connection.errors.js';
import type { ErrorCode } from '../../errors/error-code.js';
import { DatabaseUnavailableError } from '../../errors/request.errors.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { ProviderLifecycle } from '../../provider-kit/definition/provider-lifecycle.js';
import { registrationId } from '../../provider-kit/registration.js';
import { VaultService } from '../../vault/vault.service.js';
import { ConnectionStore } from '../store/connection-store.js';
import type { Connection } from '../store/connection.js';
import { GrantExchanger, toContext, toTokenResponse, type Exchange, type IdentifiedTokens } from './grant-exchanger.js';
import { recordMigration } from './migration-audit.js';
import { MigrationStore, type LeasedMigration } from './migration-store.js';
import { AccountRules } from '../accounts/account-rules.js';
import { parseTokenSet, type TokenSet } from '../token-set.js';
import { TokenVault } from '../store/token-vault.js';

/** The outcome for one connection. */
export type MigrationOutcome =
  /** The connection was replaced by one of the successor. */
  | 'migrated'
  /** The user had already linked the same account with the successor; the old connection was removed. */
  | 'already_linked'
  /** An exchange, or the refresh after it, was sent and its response lost. Neither is repeated automatically. */
  | 'in_doubt'
  /** The new grant is of another account; it is not used. */
  | 'other_account'
  /** The user has a connection to the successor that has ended or is of another account. */
  | 'conflict'
  | 'failed'
  /** Another run is migrating it, or the user has unlinked one of the connections or linked it again. */
  | 'passed_by';

/** The result of a run for one connection. */
export interface MigratedConnection {
  readonly outcome: MigrationOutcome;
  /** `undefined` when the connection was skipped. */
  readonly connectionId: string | undefined;
  /** Why it failed. */
  readonly code: ErrorCode | undefined;
}

/** The result for one connection, with the error that decides whether the run continues. */
export type Attempt = MigratedConnection & { readonly error?: AppError };

/**
 * Migrates one connection to the successor of its provider (O1-11), in steps. Each step is committed before the next:
 *
 * 1. The user's account is known.
 * 2. The exchange starts.
 * 3. Its result is stored, sealed.
 * 4. The new grant was used once, and is of the same account.
 * 5. One statement replaces the old connection with the new one.
 *
 * Until step 5 the old connection works as before. An interrupted migration resumes where it stopped. An exchange whose
 * response was lost is not repeated, because no provider documents the effect of a second one. The same is true for the
 * refresh of a new grant that expired before its first use.
 *
 * The old grant is not revoked at the provider, because that would end the user's registration there, and the new grant
 * with it.
 */
@Injectable()
export class ConnectionMigrator {
  constructor(
    private readonly store: MigrationStore,
    private readonly exchanger: GrantExchanger,
    private readonly connections: ConnectionStore,
    private readonly tokenVault: TokenVault,
    private readonly vault: VaultService,
    private readonly accounts: AccountRules,
    private readonly lifecycle: ProviderLifecycle,
    private readonly audit: AuditTrail,
  ) {}

  /**
   * Migrates a connection as far as possible.
   *
   * @param repeatUnanswered - whether to repeat an exchange whose response was lost
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError}; finished steps stay
   */
  async migrate(exchange: Exchange, userId: string, repeatUnanswered: boolean): Promise<Attempt> {
    const { old, successor } = exchange;
    const place = { userId, provider: old.definition.slug };
    const registration = { slug: successor.definition.slug, registrationId: registrationId(successor) };
    const leased = await this.store.lease(place, randomUUID(), registration);
    if (leased === undefined) {
      return { outcome: 'passed_by', connectionId: undefined, code: undefined };
    }
    const connectionId = leased.id;
    try {
      const outcome = await this.proceed(exchange, leased, repeatUnanswered);
      await this.store.release(leased, undefined);
      return { outcome, connectionId, code: undefined };
    } catch (error) {
      if (!(error instanceof AppError) || isOurOutage(error)) {
        // The lease runs out by itself.
        throw error;
      }
      const { code } = error;
      await recordMigration(this.audit, exchange, leased, 'connection.exchange_failed', code);
      const state = await this.store.release(leased, code);
      return { outcome: state === 'begun' ? 'in_doubt' : 'failed', connectionId, code, error };
    }
  }

  private async proceed(
    exchange: Exchange,
    leased: LeasedMigration,
    repeatUnanswered: boolean,
  ): Promise<MigrationOutcome> {
    const connection = await this.connections.find(leased.userId, leased.provider);
    if (connection === undefined) {
      return 'passed_by';
    }
    const identified = await this.withAccount(exchange.old, connection);
    if (identified === undefined) {
      return 'passed_by';
    }
    const { tokens } = identified;
    const linked = await this.connections.find(leased.userId, exchange.successor.definition.slug);
    if (linked !== undefined) {
      return this.finishLinked(exchange, leased, linked, identified);
    }
    const left = leased.state === 'begun' ? await this.exchanger.saveLeftOver(leased, identified) : undefined;
    if (left !== undefined) {
      await recordMigration(this.audit, exchange, leased, 'connection.exchanged');
      return this.finish(exchange, leased, left, identified);
    }
    if (leased.state === 'begun' && !repeatUnanswered) {
      return 'in_doubt';
    }
    if (leased.state === 'exchanged' && leased.sealed !== null) {
      const kept = parseTokenSet(await this.vault.open(leased.sealed, toContext(leased)));
      return this.finish(exchange, leased, kept, identified);
    }
    await this.accounts.checkFree(leased, this.accounts.identify(leased.registrationId, tokens));
    const received = await this.exchanger.exchange(exchange, leased, identified);
    return received === undefined ? 'passed_by' : this.finish(exchange, leased, received, identified);
  }

  /**
   * Returns the tokens of a connection, with their account. If the account is unknown, asks the provider and stores it.
   * `undefined` when the connection changed in the meantime.
   */
  private async withAccount(old: HealthProvider, connection: Connection): Promise<IdentifiedTokens | undefined> {
    const tokens = await this.tokenVault.open(connection);
    const { secretGen } = connection;
    if (tokens.providerUserId !== undefined) {
      return { tokens, secretGen, providerUserId: tokens.providerUserId };
    }
    this.lifecycle.check(old);
    const providerUserId = await old.findProviderUserId(tokens);
    if (providerUserId === undefined) {
      throw new AuthorizationFailedError(`${old.definition.displayName} does not name the user of the grant.`);
    }
    const identified = { tokens: { ...tokens, providerUserId }, secretGen: secretGen + 1, providerUserId };
    const sealed = this.tokenVault.seal({ ...connection, secretGen: identified.secretGen }, identified.tokens);
    const account = this.accounts.identify(connection.registrationId, identified.tokens);
    return (await this.connections.learnAccount(connection, sealed, account)) ? identified : undefined;
  }

  /** Uses the new grant once, and puts it in the place of the old connection if it is of the same account. */
  private async finish(
    exchange: Exchange,
    leased: LeasedMigration,
    kept: TokenSet,
    identified: IdentifiedTokens,
  ): Promise<MigrationOutcome> {
    const { successor } = exchange;
    const { providerUserId } = identified;
    const tokens = await this.exchanger.withLife(exchange, leased, kept, identified);
    if (tokens === undefined) {
      return 'passed_by';
    }
    if ((await successor.findProviderUserId(tokens)) !== providerUserId) {
      return 'other_account';
    }
    await successor.prepareAccount(toTokenResponse(tokens));
    await recordMigration(this.audit, exchange, leased, 'connection.migrated');
    const { slug } = successor.definition;
    const scopesRequested = successor.settings.scopes;
    const complete = { ...tokens, providerUserId, requestedScopes: [...scopesRequested] };
    const place = { provider: slug, id: randomUUID(), registrationId: leased.registrationId };
    const sealed = this.tokenVault.seal({ ...place, userId: leased.userId, secretGen: 1 }, complete);
    const account = this.accounts.identify(leased.registrationId, complete);
    const connection = { ...place, scopesRequested };
    const done = await this.store.replace(leased, connection, sealed, account);
    if (done === 'linked') {
      const linked = await this.connections.find(leased.userId, slug);
      return linked === undefined ? 'passed_by' : this.finishLinked(exchange, leased, linked, identified);
    }
    if (done === 'lost') {
      await this.exchanger.revokeIfRemoved(exchange, leased, toTokenResponse(complete));
      return 'passed_by';
    }
    return 'migrated';
  }

  /** The user was faster. Removes the old connection if the new one works and is of the same account. */
  private async finishLinked(
    exchange: Exchange,
    leased: LeasedMigration,
    linked: Connection,
    { secretGen, providerUserId }: IdentifiedTokens,
  ): Promise<MigrationOutcome> {
    const linkedTokens = linked.status === 'active' ? await this.tokenVault.openIfReadable(linked) : undefined;
    if (linkedTokens?.providerUserId !== providerUserId) {
      return 'conflict';
    }
    await recordMigration(this.audit, exchange, leased, 'connection.migrated');
    return (await this.store.remove(leased, secretGen, linked)) ? 'already_linked' : 'passed_by';
  }
}

/** Whether the database or the keys are unavailable, so that no connection can be migrated. */
function isOurOutage(error: AppError): boolean {
  return error instanceof DatabaseUnavailableError || error instanceof KeyUnavailableError;
}
