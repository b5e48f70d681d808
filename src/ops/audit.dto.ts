import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, Matches } from 'class-validator';
import { AuditEntryFacts } from '../audit/audit-entry.dto.js';
import { auditActions } from '../audit/audit-event.js';
import { IsInstant } from '../http/instant.js';
import { IsUserId } from '../http/user-id.js';

export class AuditQuery {
  @ApiPropertyOptional({ example: 'user-42', description: 'your own id of the user' })
  @IsOptional()
  @IsUserId()
  user_id?: string;

  @ApiPropertyOptional({ example: 'whoop', description: 'slug of the provider' })
  @IsOptional()
  @Matches(/^[a-z0-9-]{1,100}$/, { message: 'provider must be the slug of a provider' })
  provider?: string;

  @ApiPropertyOptional({ enum: auditActions, example: 'token.handed_out', description: 'name of the action' })
  @IsOptional()
  @IsIn(auditActions)
  action?: string;

  @ApiPropertyOptional({ example: '2026-11-01T00:00:00Z', description: 'RFC 3339; inclusive' })
  @IsOptional()
  @IsInstant()
  from?: string;

  @ApiPropertyOptional({ example: '2026-12-01T00:00:00Z', description: 'RFC 3339; exclusive' })
  @IsOptional()
  @IsInstant()
  to?: string;

  @ApiPropertyOptional({ example: '100', default: '100', description: 'entries per page, 1 to 1000' })
  @IsOptional()
  @Matches(/^([1-9]\d{0,2}|1000)$/, { message: 'limit must be a number from 1 to 1000' })
  limit?: string;

  @ApiPropertyOptional({ example: '1795359600000.3.17', description: '`next_cursor` of the previous page' })
  @IsOptional()
  @Matches(/^\d{1,14}\.\d{1,9}\.\d{1,15}$/, { message: 'cursor must be the next_cursor of a page' })
  cursor?: string;
}

export class AuditEntryResponse extends AuditEntryFacts {
  @ApiProperty({ example: 'c0ffee…', nullable: true, type: String, description: 'the same for all entries of a user' })
  user_digest!: string | null;

  @ApiProperty({ example: 3, description: 'the process that wrote it' })
  writer!: number;

  @ApiProperty({ example: 17, description: 'position among the entries of that process' })
  sequence!: number;
}

export class AuditPageResponse {
  @ApiProperty({ type: [AuditEntryResponse], description: 'newest first' })
  entries!: AuditEntryResponse[];

  @ApiProperty({
    example: '2026-11-22T10:00:00.000Z',
    description: 'the page has every entry that was written before this instant',
  })
  as_of!: string;

  @ApiProperty({ example: null, nullable: true, type: String, description: 'null: last page' })
  next_cursor!: string | null;
}
