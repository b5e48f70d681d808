import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, Matches } from 'class-validator';
import { errorActors } from '../errors/error-code.js';
import { IsInstant } from '../http/instant.js';
import { stateReasons } from '../tokens/policy/connection-state.js';
import { ConnectionResponse } from './connections.dto.js';

export const connectionStatuses = ['active', 'needs_relink'] as const;

export class FleetQuery {
  @ApiPropertyOptional({ example: 'whoop', description: 'slug of the provider' })
  @IsOptional()
  @Matches(/^[a-z0-9-]{1,100}$/, { message: 'provider must be the slug of a provider' })
  provider?: string;

  @ApiPropertyOptional({ enum: connectionStatuses, example: 'needs_relink', description: 'active, or ended' })
  @IsOptional()
  @IsIn(connectionStatuses)
  status?: string;

  @ApiPropertyOptional({ enum: stateReasons, example: 'grant_refused', description: 'see docs/errors.md' })
  @IsOptional()
  @IsIn(stateReasons)
  reason?: string;

  @ApiPropertyOptional({ example: 'PROVIDER_UNAVAILABLE', description: 'code of the last error' })
  @IsOptional()
  @IsIn(Object.keys(errorActors), { message: 'error must be an error code' })
  error?: string;

  @ApiPropertyOptional({
    example: '2026-11-23T00:00:00Z',
    description: 'RFC 3339; only connections that were linked, refreshed, failed or ended after it',
  })
  @IsOptional()
  @IsInstant()
  updated_after?: string;

  @ApiPropertyOptional({ example: '100', default: '100', description: 'most connections on the page, 1 to 1000' })
  @IsOptional()
  @Matches(/^([1-9]\d{0,2}|1000)$/, { message: 'limit must be a number from 1 to 1000' })
  limit?: string;

  @ApiPropertyOptional({ example: 'WyJ1c2VyLTQyIiwid2hvb3AiLDBd', description: '`next_cursor` of the previous page' })
  @IsOptional()
  @Matches(/^[A-Za-z0-9_-]{1,4096}$/, { message: 'cursor must be the next_cursor of a page' })
  cursor?: string;
}

export class FleetPageResponse {
  @ApiProperty({ type: [ConnectionResponse] })
  connections!: ConnectionResponse[];

  @ApiProperty({
    example: '2026-11-22T10:00:00.000Z',
    description: 'the page has every change that was stored before this instant',
  })
  as_of!: string;

  @ApiProperty({
    example: null,
    nullable: true,
    type: String,
    description: 'null: last page; a page before it may have fewer connections than the limit, or none',
  })
  next_cursor!: string | null;
}

export class ConnectionCountResponse {
  @ApiProperty({ example: 'whoop' })
  provider!: string;

  @ApiProperty({ enum: connectionStatuses, example: 'active' })
  status!: string;

  @ApiProperty({ enum: stateReasons, example: null, nullable: true, type: String, description: 'see docs/errors.md' })
  reason!: string | null;

  @ApiProperty({ example: 4711 })
  connections!: number;
}

export class FleetStatsResponse {
  @ApiProperty({
    example: '2026-11-22T10:00:00.000Z',
    nullable: true,
    type: String,
    description: 'when the connections were counted; null while the first count runs',
  })
  counted_at!: string | null;

  @ApiProperty({ example: 4711, description: 'the total' })
  connections!: number;

  @ApiProperty({ type: [ConnectionCountResponse] })
  counts!: ConnectionCountResponse[];
}
