import { Body, Controller, Get, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../access/access.decorators.js';
import type { Requester } from '../audit/audit-event.js';
import { AppError } from '../errors/app-error.js';
import { errorStatuses } from '../errors/app-error.filter.js';
import { LinkSessionInvalidError } from '../errors/authorization.errors.js';
import { LinkCookies } from '../links/link-cookies.js';
import { LinkSessionsService } from '../links/link-sessions.service.js';
import { linksConfig, type LinksConfig } from '../links/links.config.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import { choicePage, openingPage, pageHeaders, refusalPage } from './pages.js';

/** Name of the cookie of the browser that has opened a session. */
const sessionCookie = 'session';

/**
 * The hosted page: opens a link session in one browser and starts links there.
 *
 * GET changes nothing. Both forms need a POST of the page's own: the session's cookie does not come with what another site posts, and
 * where the browser tells which site posts, another one is refused.
 */
@ApiExcludeController()
@Controller('connect')
@Public()
export class ConnectPageController {
  private readonly headers: Readonly<Record<string, string>>;

  constructor(
    private readonly sessions: LinkSessionsService,
    private readonly cookies: LinkCookies,
    @Inject(linksConfig.KEY) config: LinksConfig,
  ) {
    this.headers = pageHeaders(config.publicUrl.startsWith('http:'));
  }

  @Get()
  async show(
    @Query() query: Readonly<Record<string, unknown>>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.answer(reply, async () => {
      const { link_token: token } = query;
      if (typeof token === 'string' && (await this.sessions.isUnopened(token))) {
        return openingPage(token);
      }
      const followed = typeof token === 'string' ? { token, requester: requesterOf(request) } : undefined;
      const session = await this.sessions.get(this.cookies.read(request, sessionCookie), followed);
      if (token !== undefined) {
        // The browser that has opened the link follows it again.
        return { redirect: '/connect' };
      }
      const providers = this.sessions.listProviders(session);
      return choicePage(
        providers.map(({ definition }) => definition),
        noticeOf(query, providers),
      );
    });
  }

  @Post()
  @HttpCode(200)
  async open(@Body() form: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.answer(reply, async () => {
      checkSameOrigin(request);
      const secret = await this.sessions.open(fieldOf(form, 'link_token'), requesterOf(request));
      this.cookies.write(reply, sessionCookie, secret);
      return { redirect: '/connect' };
    });
  }

  @Post('start')
  @HttpCode(200)
  async start(@Body() form: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.answer(reply, async () => {
      checkSameOrigin(request);
      const session = await this.sessions.get(this.cookies.read(request, sessionCookie));
      const link = await this.sessions.start(session, fieldOf(form, 'provider'), requesterOf(request));
      this.cookies.write(reply, link.id, link.browserSecret);
      return { redirect: link.linkWebUrl };
    });
  }

  /** Answers with a page or a redirect; with a page also where the API would answer with problem details. */
  private async answer(reply: FastifyReply, act: () => Promise<string | { readonly redirect: string }>): Promise<void> {
    void reply.headers(this.headers);
    try {
      const answer = await act();
      await (typeof answer === 'string' ? reply.send(answer) : reply.redirect(answer.redirect, 303));
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      reply.request.problemCode = error.code;
      await reply.status(errorStatuses[error.code]).send(refusalPage(error.message));
    }
  }
}

function requesterOf({ id }: FastifyRequest): Requester {
  return { actor: 'browser', requestId: id };
}

/** Older browsers do not tell; there the cookie alone has to do. */
function checkSameOrigin({ headers }: FastifyRequest): void {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') {
    throw new LinkSessionInvalidError();
  }
}

function fieldOf(form: unknown, name: string): string {
  return typeof form === 'string' ? (new URLSearchParams(form).get(name) ?? '') : '';
}

/** What the user should know after a link that has no return URL; of the query only what we know is shown. */
function noticeOf(query: Readonly<Record<string, unknown>>, providers: readonly HealthProvider[]): string | undefined {
  const { status, provider: slug, error } = query;
  const name = providers.find(({ definition }) => definition.slug === slug)?.definition.displayName;
  if (name === undefined) {
    return undefined;
  }
  if (status === 'success') {
    return `${name} is connected. You can connect another device, or close this page.`;
  }
  if (status !== 'error') {
    return undefined;
  }
  return error === 'AUTHORIZATION_DENIED'
    ? `${name} is not connected, because you did not allow it.`
    : `${name} could not be connected. Try again, or come back later.`;
}
