import { Body, Controller, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { browserOf, requesterOf, type AuthenticatedRequest } from '../access/authenticated-request.js';
import { Public, RequireScope } from '../access/access.decorators.js';
import { CountForUser } from '../access/count-for-user.pipe.js';
import { ApiProblems, ApiPublicProblems } from '../http/api-problems.decorator.js';
import { idempotencyProblems, Idempotent } from '../idempotency/idempotent.decorator.js';
import { LargeBody } from '../http/request-bodies.js';
import { AllowHead, AnyQuery } from '../http/request-rules.decorators.js';
import { ConnectionPath } from '../http/user-path.dto.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { usedCallbackParameters } from '../provider-kit/responses/used-callback-parameters.js';
import type { CallbackArrival, CallbackOutcome } from './callback/callback-outcome.js';
import { readCallback, type CallbackReading } from './callback/callback-parameters.js';
import { isPeek } from './callback/is-peek.js';
import { LinkCookies } from './link-cookies.js';
import { linksConfig, type LinksConfig } from './links.config.js';
import {
  ConfirmLinkBody,
  FinishedLinkResponse,
  LinkPath,
  RetirementResponse,
  StartedLinkResponse,
  StartLinkBody,
} from './links.dto.js';
import type { Retirement } from './link-terms.js';
import { LinksService } from './links.service.js';
import { isHostedPage, withOutcome } from './return-url.js';
import type { ConnectedAccount } from '../tokens/connection-linker.js';
import { CompanyPages } from '../web/company-pages.js';
import { prefersPage } from '../web/negotiation.js';

/** The browser must neither store nor pass on the callback's URL: it holds the code (RFC 9700 section 4.2.4). */
const callbackHeaders = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

/** Errors of the redemption of a code or verifier. */
const redemptionProblems = [
  'ACCOUNT_ALREADY_LINKED',
  'ACCOUNT_CHANGED',
  'AUTHORIZATION_STATE_INVALID',
  'AUTHORIZATION_CODE_REFUSED',
  'AUTHORIZATION_FAILED',
  'PROVIDER_MISCONFIGURED',
  'PROVIDER_UNAVAILABLE',
  'PROVIDER_RATE_LIMITED',
  'TOKEN_RESPONSE_INVALID',
  'TOKEN_UNREADABLE',
] as const;

/** Errors that a returning browser can get, beside those of the redemption. */
const callbackProblems = [
  'REQUEST_INVALID',
  'PROVIDER_UNKNOWN',
  'AUTHORIZATION_DENIED',
  'RATE_LIMITED',
  'KEY_UNAVAILABLE',
  'DATABASE_UNAVAILABLE',
  'INTERNAL_ERROR',
] as const;

@ApiTags('Links')
@Controller('v1')
export class LinksController {
  constructor(
    private readonly links: LinksService,
    private readonly cookies: LinkCookies,
    private readonly registry: ProviderRegistry,
    private readonly pages: CompanyPages,
    @Inject(linksConfig.KEY) private readonly config: LinksConfig,
  ) {}

  @Post('users/:user_id/connections/:provider/link')
  @LargeBody()
  @Idempotent()
  @RequireScope('links:write', { orUser: true })
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Start a link: get the URL that the user opens in a browser' })
  @ApiCreatedResponse({ type: StartedLinkResponse })
  @ApiProblems(
    'PROVIDER_UNKNOWN',
    'PROVIDER_NOT_CONFIGURED',
    'PROVIDER_RETIRED',
    'RETURN_URL_NOT_ALLOWED',
    'AUTHORIZATION_STATE_INVALID',
    'PROVIDER_MISCONFIGURED',
    'PROVIDER_UNAVAILABLE',
    'PROVIDER_RATE_LIMITED',
    'TOKEN_RESPONSE_INVALID',
    ...idempotencyProblems,
  )
  async start(
    @Param(CountForUser) path: ConnectionPath,
    @Body() body: StartLinkBody,
    @Req() request: AuthenticatedRequest,
  ): Promise<StartedLinkResponse> {
    const terms = {
      userId: path.user_id,
      provider: path.provider,
      // JSON's null passes @IsOptional() and means the same as an absent field.
      returnUrl: body.return_url ?? undefined,
      scopes: body.scopes ?? undefined,
      requireConfirmation: body.require_confirmation ?? undefined,
      onAccountChange: body.on_account_change ?? 'refuse',
      metadata: body.metadata ?? undefined,
    };
    const link = await this.links.start(terms, requesterOf(request));
    return {
      link_id: link.id,
      link_web_url: link.linkWebUrl,
      state: link.state,
      expires_at: link.expiresAt.toISOString(),
      require_confirmation: link.requireConfirmation,
      ...(link.metadata === undefined ? {} : { metadata: link.metadata }),
      ...(link.retirement === undefined ? {} : { warning: toWarning(link.retirement) }),
    };
  }

  @Post('links/:link_id/confirm')
  @HttpCode(200)
  @RequireScope('links:write', { filtersProviders: true })
  @ApiBearerAuth()
  @ApiOperation({ summary: 'Confirm a link for the user who is signed in to your application' })
  @ApiOkResponse({ type: FinishedLinkResponse })
  @ApiProblems('LINK_USER_MISMATCH', ...redemptionProblems)
  async confirm(
    @Param() path: LinkPath,
    @Body() body: ConfirmLinkBody,
    @Req() request: AuthenticatedRequest,
  ): Promise<FinishedLinkResponse> {
    const confirmer = { requester: requesterOf(request), providers: request.caller?.providers };
    const { link_id: linkId } = path;
    const { provider, ...connected } = await this.links.confirm(
      linkId,
      body.user_id,
      body.confirmation_code,
      confirmer,
    );
    return toFinished(provider, connected);
  }

  @Get('oauth/:provider/callback')
  @Public()
  @AnyQuery()
  @AllowHead()
  @ApiOperation({
    summary: 'Receive the callback of a provider',
    description:
      'The provider sends the browser here. Unknown parameters are ignored. If the link has already ended, the browser is sent to the return_url with the outcome of the first visit, without a confirmation code. A prefetching browser (Sec-Purpose, Purpose or X-Moz) gets 503 without a body, and the link stays open.',
  })
  @ApiResponse({ status: 200, type: FinishedLinkResponse, description: 'connected; the link has no return_url' })
  @ApiResponse({
    status: 303,
    description: `to the return_url with status and provider, and with connection_id, error, or the parameters for POST /v1/links/{link_id}/confirm`,
  })
  @ApiParam({ name: 'provider', example: 'whoop', description: 'slug of the provider' })
  @ApiPublicProblems(...callbackProblems, ...redemptionProblems)
  async finishByGet(
    @Param('provider') slug: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (isPeek(request)) {
      await sendNothing(request, reply);
      return;
    }
    const outcome = await this.links.finish(slug, this.read(slug, queryOf(request)), this.arrival(request));
    await this.respond(outcome, request, reply);
  }

  @Post('oauth/:provider/callback')
  @HttpCode(200)
  @Public()
  @AnyQuery()
  @ApiOperation({ summary: 'Receive the callback of a provider that uses form_post' })
  @ApiResponse({ status: 200, type: FinishedLinkResponse })
  @ApiParam({ name: 'provider', example: 'whoop', description: 'slug of the provider' })
  @ApiResponse({
    status: 303,
    description: 'to the resume page, if the link is bound to a browser: it reads the cookie of the link',
  })
  @ApiPublicProblems(...callbackProblems, ...redemptionProblems)
  async finishByPost(
    @Param('provider') slug: string,
    @Body() form: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const reading = this.read(slug, typeof form === 'string' ? form : '');
    const outcome = await this.links.finish(slug, reading, { ...this.arrival(request), byForm: true });
    await this.respond(outcome, request, reply);
  }

  @Get('links/:link_id/resume')
  @Public()
  @AnyQuery()
  @AllowHead()
  @ApiOperation({ summary: 'Resume a link after a form_post callback: read its cookie' })
  @ApiResponse({ status: 200, type: FinishedLinkResponse, description: 'connected; the link has no return_url' })
  @ApiResponse({ status: 303, description: 'as for the callback' })
  @ApiPublicProblems(...callbackProblems, ...redemptionProblems)
  async resume(@Param() path: LinkPath, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (isPeek(request)) {
      await sendNothing(request, reply);
      return;
    }
    const { parameters, refusal } = readCallback(queryOf(request), ['handle']);
    if (refusal !== undefined) {
      throw refusal;
    }
    const { handle = '' } = parameters;
    await this.respond(await this.links.resume(path.link_id, handle, this.arrival(request)), request, reply);
  }

  private read(slug: string, encoded: string): CallbackReading {
    const provider = this.registry.has(slug) ? this.registry.get(slug) : undefined;
    return readCallback(encoded, usedCallbackParameters(provider?.definition));
  }

  private arrival(request: FastifyRequest): CallbackArrival {
    return {
      byForm: false,
      requester: browserOf(request),
      findSecret: (linkId) => this.cookies.read(request, linkId),
    };
  }

  private async respond(outcome: CallbackOutcome, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { provider, linkId, returnUrl } = outcome;
    void reply.headers(callbackHeaders);
    if (outcome.kind === 'unbound') {
      await reply.redirect(`/v1/links/${linkId}/resume?handle=${outcome.handle}`, 303);
      return;
    }
    if (returnUrl !== undefined && isHostedPage(returnUrl, this.config)) {
      // The page shows the outcomes of the browser's links, which it knows by the cookie.
      await reply.redirect(returnUrl, 303);
      return;
    }
    if (this.cookies.read(request, linkId) !== undefined) {
      this.cookies.clear(reply, linkId);
    }
    if (returnUrl !== undefined) {
      await reply.redirect(withOutcome(returnUrl, toReturnParameters(outcome)), 303);
      return;
    }
    if (outcome.kind === 'failed') {
      throw outcome.error;
    }
    if (outcome.kind === 'unconfirmed') {
      throw new Error('A link that needs confirmation has no return URL.');
    }
    if (prefersPage(request.headers, false)) {
      const page = this.pages.renderOutcome(request.headers, {
        name: 'connected',
        provider: this.registry.get(provider).definition.displayName,
      });
      await reply.headers({ ...this.pages.headers, 'referrer-policy': 'no-referrer' }).send(page);
      return;
    }
    await reply.send(toFinished(provider, outcome));
  }
}

/** Returns the query for the company's page. No text of the provider is in it (NET-05). */
function toReturnParameters(outcome: Exclude<CallbackOutcome, { kind: 'unbound' }>): Record<string, string> {
  const { provider } = outcome;
  switch (outcome.kind) {
    case 'connected':
      return { status: 'success', provider, connection_id: outcome.connectionId, ...warningOf(outcome) };
    case 'failed':
      return { status: 'error', provider, error: outcome.code };
    case 'unconfirmed':
      return {
        status: 'confirmation_required',
        provider,
        link_id: outcome.linkId,
        confirmation_code: outcome.confirmationCode,
        expires_at: outcome.expiresAt.toISOString(),
      };
  }
}

function toFinished(provider: string, connected: ConnectedAccount): FinishedLinkResponse {
  const message = 'The account is connected. You can close this page.';
  return { success: true, message, provider, connection_id: connected.connectionId, ...warningOf(connected) };
}

function warningOf({ lacksRefreshToken }: ConnectedAccount): { warning?: 'no_refresh_token' } {
  return lacksRefreshToken ? { warning: 'no_refresh_token' } : {};
}

/** Responds to a prefetch. With this status a browser drops the response, and requests again for the visit. */
async function sendNothing({ method }: FastifyRequest, reply: FastifyReply): Promise<void> {
  await reply
    .status(method === 'HEAD' ? 200 : 503)
    .headers(callbackHeaders)
    .send();
}

function queryOf({ raw: { url = '' } }: FastifyRequest): string {
  const at = url.indexOf('?');
  return at === -1 ? '' : url.slice(at + 1);
}

function toWarning({ message, sunsetAt, replacedBy }: Retirement): RetirementResponse {
  return { message, sunset_at: sunsetAt, replaced_by: replacedBy ?? null };
}
