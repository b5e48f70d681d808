import { ApiProperty } from '@nestjs/swagger';
import { auditActions, auditOutcomes } from './audit-event.js';
import type { StoredEntry } from './audit-store.js';

/** An entry as callers see it. */
export class AuditEntryFacts {
  @ApiProperty({ example: '2026-11-22T10:00:00.000Z' })
  recorded_at!: string;

  @ApiProperty({ enum: auditActions, example: 'token.handed_out' })
  action!: string;

  @ApiProperty({ enum: auditOutcomes, example: 'success' })
  outcome!: string;

  @ApiProperty({ example: 'api-key:0123456789abcdef01', description: 'the actor' })
  actor!: string;

  @ApiProperty({ example: 'whoop', nullable: true, type: String })
  provider!: string | null;

  @ApiProperty({ example: '0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69', nullable: true, type: String })
  connection_id!: string | null;

  @ApiProperty({
    example: null,
    nullable: true,
    type: String,
    description: 'the object of the action, if it is neither the user nor the provider',
  })
  subject!: string | null;

  @ApiProperty({ example: null, nullable: true, type: String, description: 'error code of a denied or failed action' })
  code!: string | null;

  @ApiProperty({ example: 'req-12345', nullable: true, type: String, description: 'the request_id in the log' })
  request_id!: string | null;

  @ApiProperty({
    example: 'digest:3f9a1c0d5e7b2a4866d1f0c9',
    nullable: true,
    type: String,
    description: 'network of the caller; equal values are the same network',
  })
  address!: string | null;
}

/** Returns the facts of an entry as they go over the wire. */
export function toEntryFacts(entry: StoredEntry): AuditEntryFacts {
  return {
    recorded_at: entry.recordedAt.toISOString(),
    action: entry.action,
    outcome: entry.outcome,
    actor: entry.actor,
    provider: entry.provider,
    connection_id: entry.connectionId,
    subject: entry.subject,
    code: entry.code,
    request_id: entry.requestId,
    address: entry.address,
  };
}
