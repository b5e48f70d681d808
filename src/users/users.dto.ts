import { ApiProperty } from '@nestjs/swagger';
import { revocationOutcomes, type RevocationOutcome } from '../tokens/revocation-outbox.js';

export class ErasedConnectionResponse {
  @ApiProperty({ example: 'whoop' })
  provider!: string;

  @ApiProperty({
    enum: revocationOutcomes,
    example: 'revoked',
    description:
      'what happened at the provider; pending: it is tried again; left: another connection of the account would end with it; ' +
      'unsupported: it offers no way',
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
