import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import type { Requester } from '../../audit/audit-event.js';
import { AuditTrail } from '../../audit/audit-trail.js';
import { AccountAlreadyLinkedError } from '../../errors/connection.errors.js';
import { eventSource } from '../../events/event-type.js';
import { knownSecrets } from '../../redaction/known-secrets.js';
import { VaultService } from '../../vault/vault.service.js';
import { AccountRules } from '../accounts/account-rules.js';
import { ConnectionEraser } from '../connection-eraser.js';
import { ConnectionStore } from '../store/connection-store.js';
import type { StoredAccount } from '../store/connection.js';
import { TokenVault } from '../store/token-vault.js';
import type { DryRun } from './dry-run.js';
import { GrantCheck, type CheckedGrant } from './grant-check.js';
import { GrantVerifier } from './grant-verifier.js';
import { ImportStore, type ImportKey, type KnownRow, type NewConnection } from './import-store.js';
import type { ImportOptions } from './import-options.js';
import type { ImportedGrant, ImportRefusal, ImportResult } from './imported-grant.js';

/** How often rows are processed again that met another connection at the moment of their storing. */
const mostRounds = 5;

/** A row on its way. */
interface Row {
  readonly place: number;
  readonly grant: ImportedGrant;
  readonly checked: CheckedGrant;
  readonly account: StoredAccount;
  readonly key: ImportKey;
}

/**
 * Stores tokens that another system obtained. An imported connection is the same as a linked one: sealed, bound to its
 * row and under the account rules, with an audit entry and an event.
 *
 * A row is stored by one statement together with a keyed digest of its tokens. So no row is half imported, and a row
 * that an earlier run has imported is recognized even after its tokens were refreshed.
 */
@Injectable()
export class ConnectionImporter {
  private readonly logger = new Logger(ConnectionImporter.name);

  constructor(
    private readonly check: GrantCheck,
    private readonly verifier: GrantVerifier,
    private readonly imports: ImportStore,
    private readonly store: ConnectionStore,
    private readonly tokenVault: TokenVault,
    private readonly accounts: AccountRules,
    private readonly eraser: ConnectionEraser,
    private readonly vault: VaultService,
    private readonly audit: AuditTrail,
  ) {}

  /**
   * Imports a batch of rows.
   *
   * @param grants - a few hundred at most
   * @param requester - who imports them
   * @returns the result of each, in their order
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError}; rows of the batch may be imported. Import it
   *   again
   */
  async import(
    grants: readonly ImportedGrant[],
    options: ImportOptions,
    requester: Requester,
  ): Promise<ImportResult[]> {
    const results = new Array<ImportResult>(grants.length);
    let rows: Row[] = [];
    grants.forEach((grant, place) => {
      for (const token of [grant.accessToken, grant.refreshToken, grant.tokenSecret, grant.spareRefreshToken]) {
        knownSecrets.addToken(token ?? '');
      }
      const checked = this.check.check(grant);
      if (typeof checked === 'string') {
        results[place] = refused(checked);
      } else {
        rows.push(this.toRow(place, grant, checked));
      }
    });
    for (let round = 0; rows.length > 0 && round < mostRounds; round += 1) {
      rows = await this.importRound(rows, options, requester, results);
    }
    for (const { place } of rows) {
      results[place] = refused('failed');
    }
    return results;
  }

  /** @returns the rows to process again */
  private async importRound(
    rows: readonly Row[],
    options: ImportOptions,
    requester: Requester,
    results: ImportResult[],
  ): Promise<Row[]> {
    const known = await this.imports.find(rows.map(({ key }) => key));
    const fresh: Row[] = [];
    const replacing: Row[] = [];
    const later: Row[] = [];
    const seen = new Set<string>();
    rows.forEach((row, at) => {
      const facts = known[at];
      if (facts === undefined) {
        throw new Error('The database returned fewer rows than were asked for.');
      }
      const result = decide(row, facts, options);
      if (typeof result === 'object') {
        results[row.place] = result;
      } else if (placesOf(row).some((place) => seen.has(place))) {
        // An earlier row of the batch is of the same user or account.
        later.push(row);
      } else {
        placesOf(row).forEach((place) => seen.add(place));
        (result === 'insert' ? fresh : replacing).push(row);
      }
    });
    const verified = await this.verify([...fresh, ...replacing], options, results);
    const { dryRun } = options;
    if (dryRun !== undefined) {
      for (const row of verified) {
        results[row.place] = tryOut(row, dryRun);
      }
      return later;
    }
    const places = new Set(replacing.map(({ place }) => place));
    const inserted = await this.insert(
      verified.filter(({ place }) => !places.has(place)),
      requester,
      results,
    );
    const replaced: Row[] = [];
    for (const row of verified.filter(({ place }) => places.has(place))) {
      const result = await this.replace(row, requester);
      if (result === undefined) {
        replaced.push(row);
      } else {
        results[row.place] = result;
      }
    }
    return [...later, ...inserted, ...replaced].sort((left, right) => left.place - right.place);
  }

  /** @returns the rows that the provider does not reject */
  private async verify(rows: readonly Row[], options: ImportOptions, results: ImportResult[]): Promise<Row[]> {
    const { verifyPerSecond } = options;
    if (verifyPerSecond === undefined) {
      return [...rows];
    }
    const verdicts = await Promise.all(
      rows.map(({ checked }) => this.verifier.verify(checked.provider, checked.tokens, verifyPerSecond)),
    );
    return rows.flatMap((row, at) => {
      const verdict = verdicts[at];
      if (verdict === undefined || verdict.verdict === 'token_rejected' || verdict.verdict === 'account_mismatch') {
        results[row.place] = refused(verdict?.verdict ?? 'failed');
        return [];
      }
      const { providerUserId } = verdict;
      const warnings = row.checked.warnings.filter(
        (warning) => warning !== 'account_unknown' || providerUserId === undefined,
      );
      const checked: CheckedGrant = {
        ...row.checked,
        tokens: { ...row.checked.tokens, providerUserId },
        warnings: verdict.verdict === 'verified' ? warnings : [...warnings, 'not_verified'],
      };
      return [this.toRow(row.place, row.grant, checked)];
    });
  }

  /** @returns the rows that met another connection in the meantime */
  private async insert(rows: readonly Row[], requester: Requester, results: ImportResult[]): Promise<Row[]> {
    if (rows.length === 0) {
      return [];
    }
    const connections = rows.map((row) => this.toConnection(row));
    await Promise.all(rows.map((row, at) => this.record(row, connections[at]?.id, requester)));
    const { stored, failures } = await this.imports.insert(connections, eventSource(requester));
    await this.undoErased(rows.filter((_, at) => stored.has(connections[at]?.id ?? '')));
    return rows.filter((row, at) => {
      const id = connections[at]?.id ?? '';
      if (stored.has(id)) {
        results[row.place] = { outcome: 'imported', connectionId: id, warnings: row.checked.warnings };
      } else if (failures.has(id)) {
        this.logger.error(failures.get(id));
        results[row.place] = refused('failed');
      }
      return !stored.has(id) && !failures.has(id);
    });
  }

  /** A user who was erased while the rows were being stored must have no connection. */
  private async undoErased(rows: readonly Row[]): Promise<void> {
    const known = await this.imports.find(rows.map(({ key }) => key));
    const erased = rows.filter((_, at) => known[at]?.isErased === true);
    await Promise.all(
      erased.map(({ grant }) => this.eraser.undoConnect(grant.userId, grant.provider, { actor: 'service' })),
    );
  }

  /** @returns `undefined` when the connection has changed in the meantime */
  private async replace(row: Row, requester: Requester): Promise<ImportResult | undefined> {
    const { grant, checked, account, key } = row;
    const { tokens, registrationId, scopesRequested, warnings } = checked;
    const existing = await this.store.find(grant.userId, grant.provider);
    if (existing === undefined) {
      return undefined;
    }
    if ((await this.accounts.findReplaced(existing, tokens)) !== undefined) {
      return refused('account_changed');
    }
    const old = existing.status === 'active' ? await this.tokenVault.openIfReadable(existing) : undefined;
    if (old !== undefined && grant.issuedAt !== undefined && old.obtainedAt > grant.issuedAt) {
      return refused('older_tokens');
    }
    const secretGen = existing.secretGen + 1;
    const sealed = this.tokenVault.seal({ ...existing, registrationId, secretGen }, tokens);
    await this.record(row, existing.id, requester);
    const terms = {
      registrationId,
      scopesRequested,
      metadata: grant.metadata,
      source: eventSource(requester),
      importDigest: key.importDigest,
    };
    try {
      const isStored = await this.store.relink(existing, terms, sealed, account);
      return isStored ? { outcome: 'imported', connectionId: existing.id, warnings } : undefined;
    } catch (error) {
      if (error instanceof AccountAlreadyLinkedError) {
        return refused('account_already_linked');
      }
      throw error;
    }
  }

  private record({ grant }: Row, connectionId: string | undefined, requester: Requester): Promise<void> {
    const { userId, provider } = grant;
    const facts = { action: 'connection.imported', outcome: 'success', userId, provider, connectionId } as const;
    return this.audit.record({ ...requester, ...facts });
  }

  private toRow(place: number, grant: ImportedGrant, checked: CheckedGrant): Row {
    const { userId, provider } = grant;
    const { registrationId, tokens } = checked;
    const account = {
      ...this.accounts.identify(registrationId, tokens),
      isPending: tokens.providerUserId === undefined,
    };
    const { accessToken = '', refreshToken = '', tokenSecret = '' } = grant;
    const fields = [registrationId, userId, accessToken, refreshToken, tokenSecret];
    const key = {
      userId,
      provider,
      importDigest: this.vault.digest('connections.import', fields),
      accountDigest: account.exclusive ? account.digest : null,
      erasureDigest: this.vault.digest('erasures.user', [userId]),
    };
    return { place, grant, checked, account, key };
  }

  private toConnection({ grant, checked, account, key }: Row): NewConnection {
    const { userId, provider, metadata = {} } = grant;
    const { registrationId, scopesRequested, tokens } = checked;
    const id = randomUUID();
    return {
      userId,
      provider,
      id,
      registrationId,
      scopesRequested,
      tokens: this.tokenVault.seal({ userId, provider, id, registrationId, secretGen: 1 }, tokens),
      account,
      importDigest: key.importDigest,
      erasureDigest: key.erasureDigest,
      metadata,
    };
  }
}

/** Decides about a row: a result, or the way to store it. */
function decide(
  { checked }: Row,
  { connectionId, status, isSame, isErased, isTaken }: KnownRow,
  { replace }: ImportOptions,
): ImportResult | 'insert' | 'replace' {
  if (isErased) {
    return refused('user_erased');
  }
  if (connectionId !== null && isSame) {
    return { outcome: 'already_imported', connectionId, warnings: checked.warnings };
  }
  if (status === 'active' && !replace) {
    return refused('already_linked');
  }
  if (isTaken) {
    return refused('account_already_linked');
  }
  return connectionId === null ? 'insert' : 'replace';
}

function refused(reason: ImportRefusal): ImportResult {
  return { outcome: 'refused', reason };
}

/** Returns the result that a row would have in a run that stores it. */
function tryOut({ grant, key, checked: { warnings } }: Row, dryRun: DryRun): ImportResult {
  const verdict = dryRun.remember({
    place: JSON.stringify([grant.userId, grant.provider]),
    digest: key.importDigest.toString('base64'),
    account: key.accountDigest?.toString('base64'),
  });
  return verdict === undefined || verdict === 'already_imported'
    ? { outcome: verdict ?? 'imported', connectionId: undefined, warnings }
    : refused(verdict);
}

/** Keys that only one of two rows can have. */
function placesOf({ grant, key }: Row): string[] {
  const place = JSON.stringify([grant.userId, grant.provider]);
  return key.accountDigest === null ? [place] : [place, key.accountDigest.toString('base64')];
}
