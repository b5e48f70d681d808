import { Injectable } from '@nestjs/common';
import type { Requester } from '../../audit/audit-event.js';
import { AuditTrail } from '../../audit/audit-trail.js';
import type { Metadata } from '../store/metadata.js';
import type { Connection } from '../store/connection.js';
import { TokenVault } from '../store/token-vault.js';
import type { TokenSet } from '../token-set.js';
import { ConnectionFreezer } from './connection-freezer.js';
import { ExportStore, type ExportCounts } from './export-store.js';
import type { FreezeScope } from './freeze-store.js';

/** Connections read at a time. */
const pageSize = 200;

/** A connection with its tokens, on its way to another deployment. */
export interface ExportedGrant {
  readonly userId: string;
  readonly provider: string;
  readonly registrationId: string;
  readonly tokens: TokenSet;
  readonly scopesRequested: readonly string[];
  readonly metadata: Metadata;
}

/** Why a connection is not in an export. */
export type LeftOut = 'in_doubt' | 'unreadable' | 'changed';

/** The connections to export. */
export interface ExportTerms extends FreezeScope {
  /** A copy: the connections need not be frozen, and this deployment keeps using their tokens. */
  readonly isCopy: boolean;
}

/** Reads connections with their tokens, for a sealed export. */
@Injectable()
export class ConnectionExporter {
  constructor(
    private readonly store: ExportStore,
    private readonly tokenVault: TokenVault,
    private readonly freezer: ConnectionFreezer,
    private readonly audit: AuditTrail,
  ) {}

  /** Counts the connections that an export would hold, and those that prevent it. */
  count(scope: FreezeScope): Promise<ExportCounts> {
    return this.store.count(scope);
  }

  /**
   * Reads active connections page by page. Those that are not copied are marked as exported before their tokens are
   * returned, so that no thaw spends the tokens here by mistake.
   *
   * @param requester - who exports them; each connection has an audit entry before its tokens are returned
   * @param leaveOut - called with each connection that is not exported, and why
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError}
   */
  async *export(
    terms: ExportTerms,
    requester: Requester,
    leaveOut: (connection: Pick<Connection, 'id' | 'provider'>, why: LeftOut) => void,
  ): AsyncGenerator<ExportedGrant[], void> {
    let after = { userId: '', provider: '' };
    for (;;) {
      const page = await this.store.page(terms, after, pageSize);
      const last = page.at(-1);
      if (last === undefined) {
        return;
      }
      after = last;
      const safe = page.filter((connection) => {
        const isInDoubt = connection.inDoubtForMs !== null && !this.freezer.forgives(connection.provider);
        if (isInDoubt) {
          leaveOut(connection, 'in_doubt');
        }
        return !isInDoubt;
      });
      const opened = await Promise.all(safe.map((connection) => this.open(connection)));
      const readable = opened.filter((each) => each !== undefined);
      safe.filter((_, at) => opened[at] === undefined).forEach((connection) => leaveOut(connection, 'unreadable'));
      await Promise.all(readable.map(({ connection }) => this.record(connection, terms, requester)));
      const marked = terms.isCopy ? undefined : await this.store.markExported(readable.map((each) => each.connection));
      yield readable.flatMap(({ connection, grant }) => {
        if (marked?.has(connection.id) === false) {
          leaveOut(connection, 'changed');
          return [];
        }
        return [grant];
      });
    }
  }

  private async open(connection: Connection): Promise<{ connection: Connection; grant: ExportedGrant } | undefined> {
    const tokens = await this.tokenVault.openIfReadable(connection);
    const { userId, provider, registrationId, scopesRequested, metadata } = connection;
    return tokens && { connection, grant: { userId, provider, registrationId, tokens, scopesRequested, metadata } };
  }

  private record({ userId, provider, id }: Connection, { isCopy }: ExportTerms, requester: Requester): Promise<void> {
    return this.audit.record({
      ...requester,
      action: 'connection.exported',
      outcome: 'success',
      userId,
      provider,
      connectionId: id,
      subject: isCopy ? 'copy' : 'move',
    });
  }
}
