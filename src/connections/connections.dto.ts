import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiProperty, ApiPropertyOptional, getSchemaPath, refs } from '@nestjs/swagger';
import { Matches } from 'class-validator';
import { metadataSchema } from '../tokens/store/metadata.dto.js';
import type { Metadata } from '../tokens/store/metadata.js';
import { stateReasons } from '../tokens/policy/connection-state.js';
import { revocationOutcomes, type RevocationOutcome } from '../tokens/revocation/revocation-outbox.js';

export class LastErrorResponse {
  @ApiProperty({ example: 'PROVIDER_UNAVAILABLE' })
  code!: string;

  @ApiProperty({ example: '2026-11-22T09:58:00.000Z' })
  at!: string;
}

export class ConnectionResponse {
  @ApiProperty({ example: '0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69' })
  connection_id!: string;

  @ApiProperty({ example: 'user-42' })
  user_id!: string;

  @ApiProperty({ example: 'whoop' })
  provider!: string;

  @ApiProperty({ enum: ['active', 'needs_relink'], example: 'active' })
  status!: string;

  @ApiProperty({
    enum: stateReasons,
    example: null,
    nullable: true,
    type: String,
    description: 'the cause of a needed new link, or a note about an active connection; see docs/errors.md',
  })
  reason!: string | null;

  @ApiProperty({ example: false, description: 'whether the user must link the account again' })
  needs_relink!: boolean;

  @ApiProperty({ example: true, description: 'whether there is a refresh token' })
  refreshable!: boolean;

  @ApiProperty({
    example: ['offline', 'read:sleep'],
    nullable: true,
    type: [String],
    description: 'as reported by the provider, or as requested if it reports none; null: the report is unreadable',
  })
  scopes_granted!: string[] | null;

  @ApiProperty({
    example: ['read:workout'],
    nullable: true,
    type: [String],
    description: 'requested but not granted; null: the granted scopes are unknown',
  })
  scopes_missing!: string[] | null;

  @ApiProperty({
    example: [],
    nullable: true,
    type: [String],
    description: 'granted but not requested: do not use them until you know why; null: the granted scopes are unknown',
  })
  scopes_unrequested!: string[] | null;

  @ApiProperty({
    example: '2026-11-22T11:00:00.000Z',
    nullable: true,
    type: String,
    description: 'null: never expires, or the expiry is unknown',
  })
  expires_at!: string | null;

  @ApiProperty({
    example: null,
    nullable: true,
    type: String,
    description:
      'when the refresh token expires unless it is used before; null: no refresh token, or the expiry is unknown',
  })
  refresh_expires_at!: string | null;

  @ApiProperty({
    enum: ['provider', 'declared'],
    example: null,
    nullable: true,
    type: String,
    description: 'provider: from the token response; declared: computed from the lifetime that the provider publishes',
  })
  refresh_expires_at_source!: 'provider' | 'declared' | null;

  @ApiProperty({ example: '2026-11-22T10:00:00.000Z' })
  linked_at!: string;

  @ApiProperty({ example: null, nullable: true, type: String })
  last_refreshed_at!: string | null;

  @ApiProperty({
    example: null,
    nullable: true,
    type: String,
    description: 'since when the operator has stopped refreshes of it, because another system may use its tokens',
  })
  frozen_at!: string | null;

  @ApiProperty({ ...metadataSchema, description: 'your own notes; see the call that starts a link' })
  metadata!: Metadata;

  @ApiProperty({ nullable: true, type: LastErrorResponse })
  last_error!: LastErrorResponse | null;
}

export class ConnectionListResponse {
  @ApiProperty({ type: [ConnectionResponse] })
  connections!: ConnectionResponse[];
}

export class TokenUseResponse {
  @ApiProperty({
    example: 'https://api.prod.whoop.com/developer/v2',
    nullable: true,
    type: String,
    description: 'base URL of the API; null: the provider has no API',
  })
  base_url!: string | null;

  @ApiPropertyOptional({
    example: 'token',
    description: 'query parameter for the token; absent: use the Authorization header',
  })
  token_parameter?: string;

  @ApiPropertyOptional({
    example: ['Ocp-Apim-Subscription-Key'],
    description: 'further headers that the provider requires, with your own credentials',
  })
  headers?: string[];
}

/** The fields that a token has in both versions of OAuth. */
class TokenFields {
  @ApiProperty({
    example: '2026-11-22T11:00:00.000Z',
    nullable: true,
    type: String,
    description: 'null: never expires, or the expiry is unknown',
  })
  expires_at!: string | null;

  @ApiProperty({
    example: ['offline', 'read:sleep'],
    nullable: true,
    type: [String],
    description: 'null: the granted scopes are unknown',
  })
  scopes!: string[] | null;

  @ApiProperty({
    example: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
    description:
      "SHA-256 of the token's UTF-8 bytes in hex; send it to report that the provider's API rejected the token",
  })
  fingerprint!: string;

  @ApiProperty({ type: TokenUseResponse, description: "how to call the provider's API with the token" })
  api!: TokenUseResponse;
}

export class BearerTokenResponse extends TokenFields {
  @ApiProperty({ enum: ['bearer'], example: 'bearer' })
  token_type!: 'bearer';

  @ApiProperty({ example: 'example-access-token', description: 'send it as Authorization: Bearer' })
  access_token!: string;
}

export class OAuth1TokenResponse extends TokenFields {
  @ApiProperty({ enum: ['oauth1'], example: 'oauth1' })
  token_type!: 'oauth1';

  @ApiProperty({ example: 'example-token' })
  token!: string;

  @ApiPropertyOptional({
    example: 'example-token-secret',
    description: 'only for keys that also have the scope tokens:sign',
  })
  token_secret?: string;
}

/** A token of OAuth 2.0 or 1.0a; `token_type` tells which. */
export type TokenResponse = BearerTokenResponse | OAuth1TokenResponse;

/** Documents a response with a token. */
export const ApiTokenResponse = (): MethodDecorator =>
  applyDecorators(
    ApiExtraModels(BearerTokenResponse, OAuth1TokenResponse),
    ApiOkResponse({
      schema: {
        oneOf: refs(BearerTokenResponse, OAuth1TokenResponse),
        discriminator: {
          propertyName: 'token_type',
          mapping: { bearer: getSchemaPath(BearerTokenResponse), oauth1: getSchemaPath(OAuth1TokenResponse) },
        },
      },
    }),
  );

export class RejectedTokenBody {
  @ApiProperty({
    example: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
    description: 'fingerprint of the rejected token, as returned with it or computed in the same way',
  })
  @Matches(/^[0-9a-f]{64}$/, { message: 'fingerprint must be 64 lower-case hex digits' })
  fingerprint!: string;
}

export class DisconnectedResponse {
  @ApiProperty({ example: true })
  disconnected!: boolean;

  @ApiProperty({
    enum: revocationOutcomes,
    example: 'revoked',
    description:
      'result of the revocation at the provider; pending: it will be retried; left: it would also end another connection of the account; ' +
      'unsupported: the provider offers no way; failed: the user can revoke access at the provider',
  })
  provider_revocation!: RevocationOutcome;
}
