import { ApiProperty } from '@nestjs/swagger';

export class ProviderResponse {
  @ApiProperty({ example: 'garmin-oauth1' })
  slug!: string;

  @ApiProperty({ example: 'Garmin Connect (OAuth 1.0a)' })
  name!: string;

  @ApiProperty({ enum: ['1.0a', '2.0'], example: '1.0a' })
  oauth_version!: string;

  @ApiProperty({ example: true, description: 'whether links can be started' })
  configured!: boolean;

  @ApiProperty({ example: false, description: 'whether the vendor sandbox is used instead of the provider' })
  sandbox!: boolean;

  @ApiProperty({ enum: ['live', 'retiring', 'retired'], example: 'retiring' })
  lifecycle!: string;

  @ApiProperty({ example: '2026-12-31', nullable: true, type: String })
  sunset_at!: string | null;

  @ApiProperty({ example: 'garmin', nullable: true, type: String })
  replaced_by!: string | null;

  @ApiProperty({ example: [] })
  default_scopes!: string[];
}

export class ProviderListResponse {
  @ApiProperty({ type: [ProviderResponse] })
  providers!: ProviderResponse[];
}
