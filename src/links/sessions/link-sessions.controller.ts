import { Body, Controller, Post, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccessDenials } from '../../access/access-denials.js';
import { RequireScope } from '../../access/access.decorators.js';
import type { AuthenticatedRequest } from '../../access/authenticated-request.js';
import { mayUseProvider, type Caller } from '../../access/caller.js';
import { CountForUser } from '../../access/count-for-user.pipe.js';
import { AccessDeniedError } from '../../errors/request.errors.js';
import { ApiProblems } from '../../http/api-problems.decorator.js';
import type { ConnectionAccess } from '../store/link-session-store.js';
import { CreateLinkSessionBody, LinkSessionResponse } from './link-sessions.dto.js';
import { LinkSessionsService } from './link-sessions.service.js';

@ApiTags('Links')
@ApiBearerAuth()
@Controller('v1/link-sessions')
export class LinkSessionsController {
  constructor(
    private readonly sessions: LinkSessionsService,
    private readonly denials: AccessDenials,
  ) {}

  @Post()
  @RequireScope('links:write', { filtersProviders: true })
  @ApiOperation({
    summary: 'Create a link session: get the URL of a page where the user links accounts',
    description:
      'The page also shows the connections of the user if the key has `connections:read`, and unlinks them if it has ' +
      '`connections:write`.',
  })
  @ApiCreatedResponse({ type: LinkSessionResponse })
  @ApiProblems('PROVIDER_UNKNOWN', 'PROVIDER_NOT_CONFIGURED', 'RETURN_URL_NOT_ALLOWED')
  async create(
    @Body(CountForUser) body: CreateLinkSessionBody,
    @Req() request: AuthenticatedRequest,
  ): Promise<LinkSessionResponse> {
    const { caller } = request;
    const providers = body.providers ?? (caller?.providers && [...caller.providers]);
    if (caller === undefined || providers?.some((slug) => !mayUseProvider(caller, slug)) === true) {
      const denied = new AccessDeniedError();
      await this.denials.note(denied, request);
      throw denied;
    }
    const { token, connectUrl, expiresAt } = await this.sessions.create({
      userId: body.user_id,
      providers,
      returnUrl: body.return_url ?? undefined,
      requireConfirmation: body.require_confirmation ?? undefined,
      connectionAccess: connectionAccessOf(caller),
    });
    return { link_token: token, connect_url: connectUrl, expires_at: expiresAt.toISOString() };
  }
}

/** The page has the same access to connections as the key, so that nobody gains rights through the page. */
function connectionAccessOf({ scopes }: Caller): ConnectionAccess {
  if (scopes.has('connections:write')) {
    return 'write';
  }
  return scopes.has('connections:read') ? 'read' : 'none';
}
