import { Injectable } from '@nestjs/common';
import { toEntryFacts } from '../audit/audit-entry.dto.js';
import type { Requester } from '../audit/audit-event.js';
import { AuditReader } from '../audit/audit-reader.js';
import type { EntryPlace } from '../audit/audit-store.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { toPayload } from '../events/event-payload.js';
import { EventStore } from '../events/event-store.js';
import { NotificationStore, type NotificationFacts } from '../hooks/notification-store.js';
import { LinkSessionStore, type LinkSessionFacts } from '../links/store/link-session-store.js';
import { LinkStore, type LinkFacts } from '../links/store/link-store.js';
import { SubscriptionStore, type SubscriptionFacts } from '../subscriptions/subscription-store.js';
import type { MigrationFacts } from '../tokens/migration/migration-store.js';
import type { PendingRevocation } from '../tokens/revocation/revocation-store.js';
import { UserConnectionReader, type ConnectionFacts } from '../tokens/user-connection-reader.js';
import { VaultService } from '../vault/vault.service.js';
import { ErasureStore } from './erasure-store.js';
import type {
  ExportedConnection,
  ExportedLink,
  ExportedLinkSession,
  ExportedMigration,
  ExportedNotification,
  ExportedSubscription,
  ExportedRevocation,
  UserExportResponse,
} from './user-export.dto.js';

/** Audit entries in memory at a time. */
const pageSize = 500;

/** Exports all stored data about a user except tokens and secrets (GDPR article 15). */
@Injectable()
export class UserExportService {
  constructor(
    private readonly grants: UserConnectionReader,
    private readonly links: LinkStore,
    private readonly sessions: LinkSessionStore,
    private readonly erasures: ErasureStore,
    private readonly events: EventStore,
    private readonly notifications: NotificationStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly vault: VaultService,
    private readonly audit: AuditTrail,
    private readonly auditReader: AuditReader,
  ) {}

  /**
   * Returns all stored data about a user as the text of one JSON document, once the export is in the audit trail.
   *
   * Events and audit entries may be many: they are read page by page while the text is sent. All else is read before
   * this resolves. If the database goes away in between, the text ends early and is no JSON.
   *
   * @param userId - the company's id of the user; no stored data is no error
   * @param requester - the caller, for the audit trail
   * @returns the text in pieces; each has the shape of a part of {@link UserExportResponse}
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError}
   */
  async export(userId: string, requester: Requester): Promise<AsyncGenerator<string, void>> {
    const [connections, migrations, revocations, links, sessions, notifications, subscriptions, erasedAt] =
      await Promise.all([
        this.grants.listConnections(userId),
        this.grants.listMigrations(userId),
        this.grants.listPendingRevocations(userId),
        this.links.listOfUser(userId),
        this.sessions.listOfUser(userId),
        this.notifications.listOfUser(userId),
        this.subscriptions.listOfUser(userId),
        this.erasures.find(this.vault.digest('erasures.user', [userId])),
      ]);
    await this.audit.record({ ...requester, action: 'user.exported', outcome: 'success', userId });
    const head: Omit<UserExportResponse, 'events' | 'audit_entries'> = {
      user_id: userId,
      last_erased_at: toText(erasedAt),
      connections: connections.map(toConnection),
      migrations: migrations.map(toMigration),
      pending_revocations: revocations.map(toRevocation),
      links: links.map(toLink),
      link_sessions: sessions.map(toSession),
      notifications: notifications.map(toNotification),
      subscriptions: subscriptions.map(toSubscription),
    };
    return this.write(head, userId);
  }

  private async *write(head: object, userId: string): AsyncGenerator<string, void> {
    yield `${JSON.stringify(head).slice(0, -1)},"events":[`;
    yield* joined(this.readEvents(userId));
    yield '],"audit_entries":[';
    yield* joined(this.readEntries(userId));
    yield ']}';
  }

  private async *readEvents(userId: string): AsyncGenerator<object[], void> {
    let after = 0;
    for (;;) {
      const page = await this.events.listOfUser(userId, after, pageSize);
      yield page.map((event) => toPayload(event, userId));
      after = page.at(-1)?.position ?? after;
      if (page.length < pageSize) {
        return;
      }
    }
  }

  private async *readEntries(userId: string): AsyncGenerator<object[], void> {
    let next: EntryPlace | undefined;
    do {
      const page = await this.auditReader.find({ userId }, pageSize, next);
      yield page.entries.map(toEntryFacts);
      next = page.next;
    } while (next !== undefined);
  }
}

/** Joins the elements of pages for one JSON array. */
async function* joined(pages: AsyncGenerator<object[], void>): AsyncGenerator<string, void> {
  let separator = '';
  for await (const page of pages) {
    for (const element of page) {
      yield `${separator}${JSON.stringify(element)}`;
      separator = ',';
    }
  }
}

function toConnection(connection: ConnectionFacts): ExportedConnection {
  return {
    connection_id: connection.id,
    provider: connection.provider,
    provider_user_id: connection.providerUserId ?? null,
    former_provider_user_id: connection.formerUserId ?? null,
    status: connection.status,
    scopes_requested: [...connection.scopesRequested],
    scopes_granted: connection.scopesGranted === null ? null : [...connection.scopesGranted],
    expires_at: toText(connection.expiresAt),
    refresh_expires_at: toText(connection.refreshExpiresAt),
    linked_at: connection.linkedAt.toISOString(),
    last_refreshed_at: toText(connection.lastRefreshedAt),
    last_error_code: connection.lastErrorCode,
    last_error_at: toText(connection.lastErrorAt),
    frozen_at: toText(connection.frozenAt),
    metadata: connection.metadata,
  };
}

function toNotification(notification: NotificationFacts): ExportedNotification {
  return {
    provider: notification.provider,
    kind: notification.kind,
    data_type: notification.dataType,
    occurred_at: toText(notification.occurredAt),
    received_at: notification.receivedAt.toISOString(),
    outcome: notification.outcome,
  };
}

function toSubscription(subscription: SubscriptionFacts): ExportedSubscription {
  return {
    provider: subscription.provider,
    state: subscription.state,
    active: subscription.active,
    error_code: subscription.errorCode,
    checked_at: toText(subscription.checkedAt),
  };
}

function toMigration(migration: MigrationFacts): ExportedMigration {
  return {
    connection_id: migration.connectionId,
    provider: migration.provider,
    successor: migration.successor,
    state: migration.state,
    created_at: migration.createdAt.toISOString(),
    exchange_begun_at: toText(migration.begunAt),
    last_error_code: migration.lastErrorCode,
  };
}

function toRevocation(revocation: PendingRevocation): ExportedRevocation {
  return {
    connection_id: revocation.connectionId,
    provider: revocation.provider,
    provider_user_id: revocation.providerUserId ?? null,
    created_at: revocation.createdAt.toISOString(),
    next_attempt_at: revocation.dueAt.toISOString(),
    attempts: revocation.attempts,
    last_error_code: revocation.lastErrorCode,
  };
}

function toLink(link: LinkFacts): ExportedLink {
  return {
    link_id: link.id,
    provider: link.provider,
    scopes: [...link.scopes],
    return_url: link.returnUrl,
    require_confirmation: link.requireConfirmation,
    on_account_change: link.onAccountChange,
    metadata: link.metadata,
    started_at: link.createdAt.toISOString(),
    expires_at: link.expiresAt.toISOString(),
    returned_at: toText(link.consumedAt),
    waits_for: link.parkedFor,
    waits_until: toText(link.parkedUntil),
    outcome: link.outcome,
  };
}

function toSession(session: LinkSessionFacts): ExportedLinkSession {
  return {
    providers: session.providers === null ? null : [...session.providers],
    return_url: session.returnUrl,
    require_confirmation: session.requireConfirmation,
    created_at: session.createdAt.toISOString(),
    expires_at: session.expiresAt.toISOString(),
    opened: session.opened,
  };
}

function toText(instant: Date | null | undefined): string | null {
  return instant?.toISOString() ?? null;
}
