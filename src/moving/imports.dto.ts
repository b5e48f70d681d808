import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsBoolean, IsObject, IsOptional } from 'class-validator';
import { importRefusals, type ImportRefusal } from '../tokens/import/imported-grant.js';
import { metadataSchema } from '../tokens/store/metadata.dto.js';
import type { Metadata } from '../tokens/store/metadata.js';

/** Most rows of one call. */
export const mostRows = 100;

/** The columns of a row, for the API description. The handler reads each row itself, so that one row refuses no other. */
export class ImportRow {
  @ApiProperty({ example: 'user-42', description: 'your own id of the user' })
  user_id!: string;

  @ApiProperty({ example: 'whoop', description: 'slug of the provider' })
  provider!: string;

  @ApiPropertyOptional({ example: 'example-access-token', description: 'needed for OAuth 1.0a' })
  access_token?: string;

  @ApiPropertyOptional({ example: 'example-refresh-token' })
  refresh_token?: string;

  @ApiPropertyOptional({ example: 'example-token-secret', description: 'OAuth 1.0a only' })
  token_secret?: string;

  @ApiPropertyOptional({ example: '2026-11-22T11:00:00.000Z', description: 'when the access token expires' })
  expires_at?: string;

  @ApiPropertyOptional({ example: '2027-11-22T11:00:00.000Z', description: 'when the refresh token expires' })
  refresh_expires_at?: string;

  @ApiPropertyOptional({ example: '2026-11-22T10:00:00.000Z', description: 'when the access token was issued' })
  issued_at?: string;

  @ApiPropertyOptional({
    example: ['offline', 'read:sleep'],
    type: [String],
    description: 'granted scopes; absent: unknown',
  })
  scopes?: string[];

  @ApiPropertyOptional({
    example: '8015551',
    description: "the user's id at the provider; absent: the provider is asked",
  })
  provider_user_id?: string;

  @ApiPropertyOptional({
    example: 'your-client-id',
    description: 'the client id that the tokens were issued to; absent: that of this deployment',
  })
  client_id?: string;

  @ApiPropertyOptional(metadataSchema)
  metadata?: Metadata;
}

export class ImportBody {
  @ApiProperty({ type: [ImportRow], maxItems: mostRows, description: `1 to ${mostRows} rows` })
  @IsObject({ each: true })
  @ArrayMaxSize(mostRows)
  @ArrayMinSize(1)
  @IsArray()
  connections!: object[];

  @ApiPropertyOptional({ example: false, description: 'true: check the rows and store nothing' })
  @IsOptional()
  @IsBoolean()
  dry_run?: boolean;

  @ApiPropertyOptional({ example: false, description: 'replace the tokens of users who are connected already' })
  @IsOptional()
  @IsBoolean()
  replace?: boolean;
}

export class ImportedRowResponse {
  @ApiProperty({ example: 0, description: 'place of the row in the call, from 0' })
  index!: number;

  @ApiProperty({ enum: ['imported', 'already_imported', 'refused'], example: 'imported' })
  outcome!: string;

  @ApiPropertyOptional({
    example: '0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69',
    description: 'absent if refused or in a dry run',
  })
  connection_id?: string;

  @ApiPropertyOptional({
    enum: Object.keys(importRefusals),
    example: 'already_linked',
    description: 'see docs/moving.md',
  })
  reason?: ImportRefusal;

  @ApiPropertyOptional({ example: importRefusals.already_linked, description: 'the reason in words' })
  detail?: string;

  @ApiProperty({ example: ['scopes_unknown'], type: [String], description: 'facts that an imported row lacks' })
  warnings!: string[];
}

export class ImportResponse {
  @ApiProperty({ example: 1 })
  imported!: number;

  @ApiProperty({ example: 0, description: 'rows that an earlier call has imported' })
  already_imported!: number;

  @ApiProperty({ example: 0 })
  refused!: number;

  @ApiProperty({ type: [ImportedRowResponse], description: 'one for each row, in their order' })
  results!: ImportedRowResponse[];
}
