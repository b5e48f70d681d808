import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { RequireScope, Unlimited } from '../access/access.decorators.js';
import { requesterOf, type AuthenticatedRequest } from '../access/authenticated-request.js';
import { mayUseProvider } from '../access/caller.js';
import { CountForUser } from '../access/count-for-user.pipe.js';
import { RequestInvalidError } from '../errors/request.errors.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { QueryParameters } from '../http/request-rules.decorators.js';
import { refreshProblems } from '../http/refresh-problems.js';
import { ConnectionPath, UserPath } from '../http/user-path.dto.js';
import type { Connection } from '../tokens/store/connection.js';
import { TokenFeedbackService } from '../tokens/token-feedback.service.js';
import { tokenFingerprint } from '../tokens/store/token-fingerprint.js';
import { ConnectionEraser } from '../tokens/connection-eraser.js';
import { TokensService, type TokenUse, type ValidToken } from '../tokens/tokens.service.js';
import { toConnectionResponse } from './connection-response.js';
import {
  ConnectionListResponse,
  ConnectionResponse,
  DisconnectedResponse,
  RejectedTokenBody,
  ApiTokenResponse,
  type TokenResponse,
  TokenUseResponse,
} from './connections.dto.js';

@ApiTags('Connections')
@ApiBearerAuth()
@Controller('v1/users/:user_id/connections')
export class ConnectionsController {
  constructor(
    private readonly tokens: TokensService,
    private readonly eraser: ConnectionEraser,
    private readonly feedback: TokenFeedbackService,
  ) {}

  @Get()
  @QueryParameters('metadata')
  @RequireScope('connections:read', { orUser: true, filtersProviders: true })
  @ApiOperation({ summary: "List a user's connections" })
  @ApiQuery({
    name: 'metadata',
    required: false,
    example: 'clinic:north',
    description: 'a key of the metadata, a colon and its value: only connections that have both',
  })
  @ApiOkResponse({ type: ConnectionListResponse })
  @ApiProblems()
  async list(@Param() path: UserPath, @Req() request: AuthenticatedRequest): Promise<ConnectionListResponse> {
    const { caller } = request;
    const wanted = readMetadataFilter(request);
    const connections = (await this.tokens.list(path.user_id)).filter(
      ({ metadata }) =>
        wanted === undefined || (Object.hasOwn(metadata, wanted.key) && metadata[wanted.key] === wanted.value),
    );
    const visible = connections.filter(({ provider }) => caller !== undefined && mayUseProvider(caller, provider));
    return { connections: visible.map((connection) => this.toResponse(connection)) };
  }

  @Get(':provider')
  @RequireScope('connections:read', { orUser: true })
  @ApiOperation({ summary: 'Get the state of one connection' })
  @ApiOkResponse({ type: ConnectionResponse })
  @ApiProblems('PROVIDER_UNKNOWN', 'CONNECTION_NOT_FOUND')
  async get(@Param() path: ConnectionPath): Promise<ConnectionResponse> {
    return this.toResponse(await this.tokens.get(path.user_id, path.provider));
  }

  @Get(':provider/token')
  @Unlimited()
  @QueryParameters('scope')
  @RequireScope('tokens:read')
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Get a valid token',
    description:
      'If a refresh is due while the token is still valid, the call waits at most 2 s for it and then returns the old token. If less ' +
      'than 5 s are left, the call waits for the refresh. See `expires_at` for the time left.',
  })
  @ApiQuery({
    name: 'scope',
    required: false,
    example: 'read:sleep read:workout',
    description:
      'scopes that you need, separated by spaces; the call is rejected unless all of them are known to be granted',
  })
  @ApiTokenResponse()
  @ApiProblems('PROVIDER_UNKNOWN', 'CONNECTION_NOT_FOUND', 'SCOPE_NOT_GRANTED', ...refreshProblems)
  async token(@Param() path: ConnectionPath, @Req() request: AuthenticatedRequest): Promise<TokenResponse> {
    const wanted = readScopes(request);
    const token = await this.tokens.getValid(path.user_id, path.provider, requesterOf(request), wanted);
    return toTokenResponse(token, request.caller?.scopes.has('tokens:sign') === true);
  }

  @Post(':provider/token/rejected')
  @Unlimited()
  @HttpCode(200)
  @RequireScope('tokens:read')
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: "Report that the provider's API rejected a token with 401, and get the current token",
    description:
      'Triggers one refresh, and only if the reported token is still the current one, even if many callers report it. Returns the current ' +
      'token as the call for a valid token does. It is the same token if it could not be replaced.',
  })
  @ApiTokenResponse()
  @ApiProblems('PROVIDER_UNKNOWN', 'CONNECTION_NOT_FOUND', ...refreshProblems)
  async rejected(
    @Param() path: ConnectionPath,
    @Body() body: RejectedTokenBody,
    @Req() request: AuthenticatedRequest,
  ): Promise<TokenResponse> {
    await this.feedback.reportRejected(path.user_id, path.provider, body.fingerprint, requesterOf(request));
    return this.token(path, request);
  }

  @Post(':provider/refresh')
  @HttpCode(200)
  @RequireScope('connections:write')
  @ApiOperation({
    summary: 'Refresh the tokens now, even if they are still valid',
    description:
      'If the provider does not respond in time, the call fails with PROVIDER_UNAVAILABLE. A late response is still stored.',
  })
  @ApiOkResponse({ type: ConnectionResponse })
  @ApiProblems('PROVIDER_UNKNOWN', 'CONNECTION_NOT_FOUND', 'CONNECTION_NOT_REFRESHABLE', ...refreshProblems)
  async refresh(@Param(CountForUser) path: ConnectionPath): Promise<ConnectionResponse> {
    return this.toResponse(await this.tokens.refreshNow(path.user_id, path.provider));
  }

  @Delete(':provider')
  @RequireScope('connections:write', { orUser: true })
  @ApiOperation({ summary: 'Unlink: erase the tokens here and revoke the grant at the provider' })
  @ApiOkResponse({ type: DisconnectedResponse })
  @ApiProblems('PROVIDER_UNKNOWN', 'CONNECTION_NOT_FOUND')
  async disconnect(@Param() path: ConnectionPath, @Req() request: AuthenticatedRequest): Promise<DisconnectedResponse> {
    const outcome = await this.eraser.disconnect(path.user_id, path.provider, requesterOf(request));
    return { disconnected: true, provider_revocation: outcome };
  }

  private toResponse(connection: Connection): ConnectionResponse {
    return toConnectionResponse(connection, this.tokens);
  }
}

/** Reads the scopes that a token must have. Without a validation class, because this call must be fast. */
function readScopes({ query }: AuthenticatedRequest): string[] {
  const { scope = '' } = query as { scope?: unknown };
  if (typeof scope !== 'string' || !/^[\x20\x21\x23-\x5b\x5d-\x7e]{0,2000}$/.test(scope)) {
    throw new RequestInvalidError('scope must be one list of scopes separated by spaces.');
  }
  return scope.split(' ').filter((each) => each !== '');
}

/** Reads the key and value of the filter of connections. The key has no colon. */
function readMetadataFilter({ query }: AuthenticatedRequest): { key: string; value: string } | undefined {
  const { metadata } = query as { metadata?: unknown };
  if (metadata === undefined) {
    return undefined;
  }
  const [, key, value] = (typeof metadata === 'string' && /^([A-Za-z0-9_.-]{1,64}):(.*)$/su.exec(metadata)) || [];
  if (key === undefined || value === undefined) {
    throw new RequestInvalidError('metadata must be one key, a colon and the value that the key must have.');
  }
  return { key, value };
}

function toTokenResponse(token: ValidToken, maySign: boolean): TokenResponse {
  const common = {
    expires_at: token.expiresAt?.toISOString() ?? null,
    fingerprint: tokenFingerprint(token.accessToken),
    scopes: token.scopes && [...token.scopes],
    api: toTokenUseResponse(token.api),
  };
  if (token.tokenSecret === undefined) {
    return { token_type: 'bearer', access_token: token.accessToken, ...common };
  }
  return {
    token_type: 'oauth1',
    token: token.accessToken,
    ...(maySign ? { token_secret: token.tokenSecret } : {}),
    ...common,
  };
}

function toTokenUseResponse({ baseUrl, tokenParameter, headers }: TokenUse): TokenUseResponse {
  return {
    base_url: baseUrl ?? null,
    ...(tokenParameter === undefined ? {} : { token_parameter: tokenParameter }),
    ...(headers.length === 0 ? {} : { headers: [...headers] }),
  };
}
