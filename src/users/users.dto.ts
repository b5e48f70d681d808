import { ApiProperty } from '@nestjs/swagger';
import { revocationOutcomes, type RevocationOutcome } from '../tokens/revocation/revocation-outbox.js';

export class ErasedConnectionResponse {
  @ApiProperty({ example: 'whoop' })
  provider!: string;

  @ApiProperty({
    enum: revocationOutcomes,
    example: 'revoked',
    description:
      'result of the revocation at the provider; pending: it will be retried; left: it would also end another connection of the account; ' +
      'unsupported: the provider offers no way',
  })
  provider_revocation!: RevocationOutcome;
}

export class ErasedUserResponse {
  @ApiProperty({ example: true })
  erased!: boolean;

  @ApiProperty({ example: '2026-11-22T10:00:00.000Z' })
  erased_at!: string;

  @ApiProperty({ type: [ErasedConnectionResponse] })
  connections!: ErasedConnectionResponse[];
}
