import { ApiProperty } from '@nestjs/swagger';

export class ProviderHealthResponse {
  @ApiProperty({
    enum: ['closed', 'open', 'half_open'],
    example: 'closed',
    description: 'open: refreshes at the provider are paused; half_open: one trial decides; as of 5 seconds ago',
  })
  circuit_breaker!: string;

  @ApiProperty({
    example: null,
    nullable: true,
    type: String,
    description: 'when refreshes are tried again; null unless the circuit breaker is open',
  })
  retry_at!: string | null;

  @ApiProperty({
    example: 0.004,
    nullable: true,
    type: Number,
    description: 'share of active connections whose last refresh failed, from 0 to 1; null with fewer than 20 of them',
  })
  failing_share!: number | null;

  @ApiProperty({
    example: '2026-11-22T10:00:00.000Z',
    nullable: true,
    type: String,
    description: 'when the connections were counted, usually at most a minute ago; null before the first count',
  })
  counted_at!: string | null;
}

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

  @ApiProperty({
    nullable: true,
    type: ProviderHealthResponse,
    description: 'state of the refreshes at the provider; null while the database does not respond',
  })
  health!: ProviderHealthResponse | null;
}

export class ProviderListResponse {
  @ApiProperty({ type: [ProviderResponse] })
  providers!: ProviderResponse[];
}
