import { ApiProperty } from '@nestjs/swagger';

export class ErasedConnectionResponse {
  @ApiProperty({ example: 'whoop' })
  provider!: string;

  @ApiProperty({
    enum: ['revoked', 'pending', 'unsupported', 'failed'],
    example: 'revoked',
    description: 'what happened at the provider; pending: it is tried again; unsupported: it offers no way',
  })
  provider_revocation!: string;
}

export class ErasedUserResponse {
  @ApiProperty({ example: true })
  erased!: boolean;

  @ApiProperty({ example: '2026-11-22T10:00:00.000Z' })
  erased_at!: string;

  @ApiProperty({ type: [ErasedConnectionResponse] })
  connections!: ErasedConnectionResponse[];
}
