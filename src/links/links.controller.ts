import { Body, Controller, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public, RequireScope } from '../access/access.decorators.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { ConnectionPath } from '../http/user-path.dto.js';
import { parseCallbackParameters } from './callback-parameters.js';
import { FinishedLinkResponse, RetirementResponse, StartedLinkResponse, StartLinkBody } from './links.dto.js';
import { LinksService, type CallbackOutcome, type Retirement } from './links.service.js';
import { withOutcome } from './return-url.js';

/** The browser must neither keep nor tell the callback's URL: it holds the code (RFC 9700 section 4.2.4). */
const callbackHeaders = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

@ApiTags('Links')
@Controller('v1')
export class LinksController {
  constructor(private readonly links: LinksService) {}

  @Post('users/:user_id/connections/:provider/link')
  @RequireScope('links:write')
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Start a link: get the URL that the user opens in a browser' })
  @ApiCreatedResponse({ type: StartedLinkResponse })
  @ApiProblems(
    'PROVIDER_UNKNOWN',
    'PROVIDER_NOT_CONFIGURED',
    'PROVIDER_RETIRED',
    'RETURN_URL_NOT_ALLOWED',
    'PROVIDER_MISCONFIGURED',
    'PROVIDER_UNAVAILABLE',
    'PROVIDER_RATE_LIMITED',
    'TOKEN_RESPONSE_INVALID',
  )
  async start(@Param() path: ConnectionPath, @Body() body: StartLinkBody): Promise<StartedLinkResponse> {
    const link = await this.links.start({
      userId: path.user_id,
      provider: path.provider,
      // JSON's null passes @IsOptional() and means the same as an absent field.
      returnUrl: body.return_url ?? undefined,
      scopes: body.scopes ?? undefined,
    });
    return {
      link_web_url: link.linkWebUrl,
      state: link.state,
      expires_at: link.expiresAt.toISOString(),
      ...(link.retirement === undefined ? {} : { warning: toWarning(link.retirement) }),
    };
  }

  @Get('oauth/:provider/callback')
  @Public()
  @ApiOperation({ summary: 'Where a provider sends the browser back' })
  @ApiResponse({ status: 200, type: FinishedLinkResponse, description: 'connected; the link named no return_url' })
  @ApiResponse({ status: 303, description: 'to the return_url, with status, provider, and connection_id or error' })
  @ApiProblems(
    'PROVIDER_UNKNOWN',
    'AUTHORIZATION_STATE_INVALID',
    'AUTHORIZATION_DENIED',
    'AUTHORIZATION_CODE_REFUSED',
    'AUTHORIZATION_FAILED',
    'PROVIDER_MISCONFIGURED',
    'PROVIDER_UNAVAILABLE',
    'PROVIDER_RATE_LIMITED',
    'TOKEN_RESPONSE_INVALID',
    'TOKEN_UNREADABLE',
  )
  async finishByGet(
    @Param('provider') slug: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (request.method === 'HEAD') {
      // Sent by link scanners; a safe method must not use the link up (RFC 9110 section 9.2.1).
      await reply.headers(callbackHeaders).send();
      return;
    }
    const at = request.raw.url?.indexOf('?') ?? -1;
    const query = at === -1 ? '' : (request.raw.url ?? '').slice(at + 1);
    await this.answer(await this.links.finish(slug, parseCallbackParameters(query)), reply);
  }

  @Post('oauth/:provider/callback')
  @HttpCode(200)
  @Public()
  @ApiOperation({ summary: 'The same for providers that send the browser back with a form (form_post)' })
  @ApiResponse({ status: 200, type: FinishedLinkResponse })
  @ApiProblems('PROVIDER_UNKNOWN', 'AUTHORIZATION_STATE_INVALID', 'AUTHORIZATION_DENIED')
  async finishByPost(
    @Param('provider') slug: string,
    @Body() form: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const parameters = parseCallbackParameters(typeof form === 'string' ? form : '');
    await this.answer(await this.links.finish(slug, parameters), reply);
  }

  private async answer(outcome: CallbackOutcome, reply: FastifyReply): Promise<void> {
    void reply.headers(callbackHeaders);
    if (outcome.returnUrl !== undefined) {
      const result =
        outcome.kind === 'connected'
          ? { status: 'success', provider: outcome.provider, connection_id: outcome.connectionId }
          : { status: 'error', provider: outcome.provider, error: outcome.error.code };
      await reply.redirect(withOutcome(outcome.returnUrl, result), 303);
      return;
    }
    if (outcome.kind === 'failed') {
      throw outcome.error;
    }
    const response: FinishedLinkResponse = {
      success: true,
      message: 'The account is connected. You can close this page.',
      provider: outcome.provider,
      connection_id: outcome.connectionId,
    };
    await reply.send(response);
  }
}

function toWarning({ message, sunsetAt, replacedBy }: Retirement): RetirementResponse {
  return { message, sunset_at: sunsetAt, replaced_by: replacedBy ?? null };
}
