import { ApiProperty } from '@nestjs/swagger';
import { AuditEntryFacts } from '../audit/audit-entry.dto.js';
import type { EventPayload } from '../events/event-payload.js';
import { metadataSchema } from '../tokens/store/metadata.dto.js';
import type { Metadata } from '../tokens/store/metadata.js';

const connectionId = '0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69';
const instant = '2026-11-22T10:00:00.000Z';
const noInstant = { example: null, nullable: true, type: String };

export class ExportedConnection {
  @ApiProperty({ example: connectionId })
  connection_id!: string;

  @ApiProperty({ example: 'whoop' })
  provider!: string;

  @ApiProperty({
    example: '8015551',
    nullable: true,
    type: String,
    description: 'null: the provider does not report it',
  })
  provider_user_id!: string | null;

  @ApiProperty({ ...noInstant, description: 'the previous id, if the provider has changed its ids' })
  former_provider_user_id!: string | null;

  @ApiProperty({ enum: ['active', 'needs_relink'], example: 'active' })
  status!: string;

  @ApiProperty({ example: ['offline', 'read:sleep'] })
  scopes_requested!: string[];

  @ApiProperty({
    example: ['offline', 'read:sleep'],
    nullable: true,
    type: [String],
    description: 'null: the provider does not report them, or not in a readable way',
  })
  scopes_granted!: string[] | null;

  @ApiProperty({ example: instant, nullable: true, type: String })
  expires_at!: string | null;

  @ApiProperty(noInstant)
  refresh_expires_at!: string | null;

  @ApiProperty({ example: instant })
  linked_at!: string;

  @ApiProperty(noInstant)
  last_refreshed_at!: string | null;

  @ApiProperty({ example: null, nullable: true, type: String })
  last_error_code!: string | null;

  @ApiProperty(noInstant)
  last_error_at!: string | null;

  @ApiProperty({ ...noInstant, description: 'since when the operator has stopped its refreshes' })
  frozen_at!: string | null;

  @ApiProperty(metadataSchema)
  metadata!: Metadata;
}

export class ExportedMigration {
  @ApiProperty({ example: connectionId })
  connection_id!: string;

  @ApiProperty({ example: 'garmin-oauth1' })
  provider!: string;

  @ApiProperty({ example: 'garmin', description: 'the provider that replaces it' })
  successor!: string;

  @ApiProperty({ enum: ['ready', 'begun', 'exchanged'], example: 'ready' })
  state!: string;

  @ApiProperty({ example: instant })
  created_at!: string;

  @ApiProperty(noInstant)
  exchange_begun_at!: string | null;

  @ApiProperty({ example: null, nullable: true, type: String })
  last_error_code!: string | null;
}

export class ExportedNotification {
  @ApiProperty({ example: 'strava' })
  provider!: string;

  @ApiProperty({ enum: ['deauthorized', 'account_deleted', 'permissions_changed', 'data'], example: 'data' })
  kind!: string;

  @ApiProperty({ example: 'activity', nullable: true, type: String, description: "the provider's name" })
  data_type!: string | null;

  @ApiProperty(noInstant)
  occurred_at!: string | null;

  @ApiProperty({ example: instant })
  received_at!: string;

  @ApiProperty({ example: 'announced', nullable: true, type: String, description: 'null until it is processed' })
  outcome!: string | null;
}

export class ExportedRevocation {
  @ApiProperty({ example: connectionId, description: 'id of the removed connection' })
  connection_id!: string;

  @ApiProperty({ example: 'whoop' })
  provider!: string;

  @ApiProperty({ example: '8015551', nullable: true, type: String })
  provider_user_id!: string | null;

  @ApiProperty({ example: instant })
  created_at!: string;

  @ApiProperty({ example: instant })
  next_attempt_at!: string;

  @ApiProperty({ example: 2 })
  attempts!: number;

  @ApiProperty({ example: 'PROVIDER_UNAVAILABLE', nullable: true, type: String })
  last_error_code!: string | null;
}

export class ExportedLink {
  @ApiProperty({ example: connectionId })
  link_id!: string;

  @ApiProperty({ example: 'whoop' })
  provider!: string;

  @ApiProperty({ example: ['offline', 'read:sleep'] })
  scopes!: string[];

  @ApiProperty({ example: 'https://app.example.com/linked', nullable: true, type: String })
  return_url!: string | null;

  @ApiProperty({ example: true })
  require_confirmation!: boolean;

  @ApiProperty({ enum: ['refuse', 'replace'], example: 'refuse' })
  on_account_change!: string;

  @ApiProperty({ ...metadataSchema, nullable: true, description: 'for the connection; null: unchanged' })
  metadata!: Metadata | null;

  @ApiProperty({ example: instant })
  started_at!: string;

  @ApiProperty({ example: instant })
  expires_at!: string;

  @ApiProperty({ ...noInstant, description: 'when the browser came back' })
  returned_at!: string | null;

  @ApiProperty({ enum: ['binding', 'confirmation'], example: null, nullable: true })
  waits_for!: string | null;

  @ApiProperty(noInstant)
  waits_until!: string | null;

  @ApiProperty({ example: 'connected', nullable: true, type: String, description: 'null: the link has not ended' })
  outcome!: string | null;
}

export class ExportedLinkSession {
  @ApiProperty({ example: ['whoop'], nullable: true, type: [String], description: 'null: all providers' })
  providers!: string[] | null;

  @ApiProperty({ example: null, nullable: true, type: String })
  return_url!: string | null;

  @ApiProperty({ example: true })
  require_confirmation!: boolean;

  @ApiProperty({ example: instant })
  created_at!: string;

  @ApiProperty({ example: instant })
  expires_at!: string;

  @ApiProperty({ example: false, description: 'whether a browser has opened it' })
  opened!: boolean;
}

export class ExportedSubscription {
  @ApiProperty({ example: 'withings' })
  provider!: string;

  @ApiProperty({ enum: ['pending', 'active', 'failed', 'blocked', 'not_configured'], example: 'active' })
  state!: string;

  @ApiProperty({ example: 12, description: 'subscriptions that there were at the last check' })
  active!: number;

  @ApiProperty({ example: null, nullable: true, type: String })
  error_code!: string | null;

  @ApiProperty({ example: instant, nullable: true, type: String })
  checked_at!: string | null;
}

export class UserExportResponse {
  @ApiProperty({ example: 'user-42' })
  user_id!: string;

  @ApiProperty({
    ...noInstant,
    description: 'an earlier erasure of this user; only its time and a keyed digest are kept',
  })
  last_erased_at!: string | null;

  @ApiProperty({ type: [ExportedConnection] })
  connections!: ExportedConnection[];

  @ApiProperty({
    type: [ExportedMigration],
    description: 'connections whose grants are being exchanged for a successor',
  })
  migrations!: ExportedMigration[];

  @ApiProperty({ type: [ExportedRevocation], description: 'grants that are still to be revoked at their providers' })
  pending_revocations!: ExportedRevocation[];

  @ApiProperty({ type: [ExportedNotification], description: "events of providers' notifications that are still held" })
  notifications!: ExportedNotification[];

  @ApiProperty({ type: [ExportedSubscription], description: "subscriptions at providers to the user's notifications" })
  subscriptions!: ExportedSubscription[];

  @ApiProperty({ type: [ExportedLink] })
  links!: ExportedLink[];

  @ApiProperty({ type: [ExportedLinkSession] })
  link_sessions!: ExportedLinkSession[];

  @ApiProperty({
    type: 'array',
    items: { type: 'object' },
    description: 'of the last 30 days, oldest first; shaped as in `GET /v1/events`',
  })
  events!: EventPayload[];

  @ApiProperty({ type: [AuditEntryFacts], description: 'newest first, including this export' })
  audit_entries!: AuditEntryFacts[];
}
