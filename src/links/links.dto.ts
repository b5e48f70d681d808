import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  MaxLength,
} from 'class-validator';
import type { OnAccountChange } from '../tokens/accounts/account-rules.js';
import { UserPath } from '../http/user-path.dto.js';
import { IsMetadata, metadataLimits, metadataSchema } from '../tokens/store/metadata.dto.js';
import type { Metadata } from '../tokens/store/metadata.js';

export class StartLinkBody {
  @ApiPropertyOptional({
    example: 'https://app.example.com/devices',
    description: 'where the browser goes afterwards: one of the registered RETURN_URLS',
  })
  @IsOptional()
  @IsString()
  @MaxLength(2_048)
  return_url?: string;

  @ApiPropertyOptional({
    example: ['offline', 'read:sleep', 'read:profile'],
    description:
      "the provider's default scopes if absent; other scopes may have 512 bytes in total, including one byte between two scopes",
  })
  @IsOptional()
  @Matches(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, {
    each: true,
    message: 'each scope must be a scope-token (RFC 6749 section 3.3)',
  })
  @IsString({ each: true })
  @ArrayMaxSize(50)
  @IsArray()
  scopes?: string[];

  @ApiPropertyOptional({
    example: true,
    description:
      'whether the link completes only with POST /v1/links/{link_id}/confirm. If absent, LINK_CONFIRMATION decides. Requires a return_url.',
  })
  @IsOptional()
  @IsBoolean()
  require_confirmation?: boolean;

  @ApiPropertyOptional({
    enum: ['refuse', 'replace'],
    example: 'refuse',
    description:
      'behavior if the user is already connected and links another account at the provider; refuse if absent',
  })
  @IsOptional()
  @IsIn(['refuse', 'replace'])
  on_account_change?: OnAccountChange;

  @ApiPropertyOptional({ ...metadataSchema, description: `for the connection: ${metadataLimits}. Absent: unchanged` })
  @IsOptional()
  @IsMetadata()
  metadata?: Metadata;
}

export class LinkPath {
  @ApiProperty({
    name: 'link_id',
    example: '5f4c1f7e-3a52-4c11-8f4e-6f0a9f2f3b10',
    description: 'the link_id that the return_url received',
  })
  @IsUUID()
  link_id!: string;
}

export class ConfirmLinkBody extends UserPath {
  @ApiProperty({
    example: 'dGhpcy1pcy1hLWNvbmZpcm1hdGlvbi1jb2RlLW9mLTQzLWM',
    description: 'the confirmation_code that the return_url received; works once',
  })
  @IsString()
  @Matches(/^[A-Za-z0-9_-]{43}$/, { message: 'confirmation_code must be the code that the return_url received' })
  confirmation_code!: string;
}

export class RetirementResponse {
  @ApiProperty({
    example: 'Garmin Connect (OAuth 1.0a) will shut down its API on 2026-12-31. Use "garmin" for new links.',
  })
  message!: string;

  @ApiProperty({ example: '2026-12-31' })
  sunset_at!: string;

  @ApiProperty({ example: 'garmin', nullable: true, type: String })
  replaced_by!: string | null;
}

export class StartedLinkResponse {
  @ApiProperty({ example: '5f4c1f7e-3a52-4c11-8f4e-6f0a9f2f3b10' })
  link_id!: string;

  @ApiProperty({
    example: 'https://api.prod.whoop.com/oauth/oauth2/auth?response_type=code&state=...',
    description: 'send the browser here',
  })
  link_web_url!: string;

  @ApiProperty({
    example: 'b3BhcXVlLWV4YW1wbGUtc3RhdGUtb2YtNDMtY2hhcmFj',
    description: '256 random bits; returned in the callback',
  })
  state!: string;

  @ApiProperty({
    example: '2026-11-22T10:10:00.000Z',
    description: 'end of the link, which works once. It is voided earlier if the user starts too many other links.',
  })
  expires_at!: string;

  @ApiProperty({ example: false, description: 'whether you must call POST /v1/links/{link_id}/confirm' })
  require_confirmation!: boolean;

  @ApiPropertyOptional({ ...metadataSchema, description: 'as sent' })
  metadata?: Metadata;

  @ApiPropertyOptional({ type: RetirementResponse, description: 'present if the provider will shut down its API' })
  warning?: RetirementResponse;
}

export class FinishedLinkResponse {
  @ApiProperty({ example: true })
  success!: boolean;

  @ApiProperty({ example: 'The account is connected.' })
  message!: string;

  @ApiProperty({ example: 'whoop' })
  provider!: string;

  @ApiProperty({ example: '0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69' })
  connection_id!: string;

  @ApiPropertyOptional({
    enum: ['no_refresh_token'],
    example: 'no_refresh_token',
    description:
      'present if the provider normally issues a refresh token and issued none: the connection works until its access token expires',
  })
  warning?: 'no_refresh_token';
}
