import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsOptional, IsString, Matches, MaxLength } from 'class-validator';

export class StartLinkBody {
  @ApiPropertyOptional({
    example: 'https://app.example.com/devices',
    description: 'where the browser goes afterwards; one of the registered RETURN_URLS',
  })
  @IsOptional()
  @IsString()
  @MaxLength(2_048)
  return_url?: string;

  @ApiPropertyOptional({
    example: ['offline', 'read:sleep', 'read:profile'],
    description: "the provider's default scopes when absent",
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(100)
  @IsString({ each: true })
  @Matches(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, {
    each: true,
    message: 'each scope must be a scope-token (RFC 6749 section 3.3)',
  })
  scopes?: string[];
}

export class RetirementResponse {
  @ApiProperty({ example: 'Garmin Connect (OAuth 1.0a) will be shut down on 2026-12-31. Link with "garmin" instead.' })
  message!: string;

  @ApiProperty({ example: '2026-12-31' })
  sunset_at!: string;

  @ApiProperty({ example: 'garmin', nullable: true, type: String })
  replaced_by!: string | null;
}

export class StartedLinkResponse {
  @ApiProperty({
    example: 'https://api.prod.whoop.com/oauth/oauth2/auth?response_type=code&state=...',
    description: 'send the browser here',
  })
  link_web_url!: string;

  @ApiProperty({
    example: 'b3BhcXVlLWV4YW1wbGUtc3RhdGUtb2YtNDMtY2hhcmFj',
    description: '256 random bits; comes back in the callback',
  })
  state!: string;

  @ApiProperty({ example: '2026-11-22T10:10:00.000Z', description: 'the link works until then, once' })
  expires_at!: string;

  @ApiPropertyOptional({ type: RetirementResponse, description: 'there when the provider will be shut down' })
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
}
