import { Body, Controller, Get, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../access/access.decorators.js';
import { browserOf } from '../access/authenticated-request.js';
import { RateLimits } from '../access/rate-limits.js';
import { AppError } from '../errors/app-error.js';
import { errorStatuses } from '../errors/app-error.filter.js';
import { LinkSessionInvalidError } from '../errors/authorization.errors.js';
import { AllowHead, AnyQuery } from '../http/request-rules.decorators.js';
import { isPeek } from '../links/callback/is-peek.js';
import { LinkCookies, sessionPurpose } from '../links/link-cookies.js';
import { LinkSessionsService, type OpenLinkSession } from '../links/sessions/link-sessions.service.js';
import type { EndedLink } from '../links/store/link-store.js';
import { linksConfig, type LinksConfig } from '../links/links.config.js';
import { hostedPagePath } from '../links/return-url.js';
import { choicePage, openingPage, pageHeaders, refusalPage, type OfferedProvider } from './pages.js';

/** Headers of a redirect: the next page learns nothing about the one before. */
const redirectHeaders = { 'referrer-policy': 'no-referrer' } as const;

/**
 * The hosted page: opens a link session in one browser and starts links there.
 *
 * GET changes nothing. Both forms need a POST of the page's own: the session's cookie does not come with what another
 * site posts, and where the browser tells which site posts, another one is refused. A browser may have several sessions
 * open. Each page names its own by a handle, and the session's cookie proves that this browser has opened it.
 */
@ApiExcludeController()
@Controller('connect')
@AnyQuery()
@AllowHead()
export class ConnectPageController {
  private readonly headers: Readonly<Record<string, string>>;

  constructor(
    private readonly sessions: LinkSessionsService,
    private readonly cookies: LinkCookies,
    private readonly limits: RateLimits,
    @Inject(linksConfig.KEY) private readonly config: LinksConfig,
  ) {
    this.headers = pageHeaders(config.publicUrl.startsWith('http:'));
  }

  @Get()
  @Public()
  async show(
    @Query() query: Readonly<Record<string, unknown>>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.respond(reply, async () => {
      const { link_token: token, session: handle } = query;
      if (typeof token === 'string') {
        return this.follow(token, request);
      }
      const session = await this.findSession(typeof handle === 'string' ? handle : '', request);
      return this.showChoice(session, request, reply);
    });
  }

  @Post()
  @Public()
  @HttpCode(200)
  async open(@Body() form: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.respond(reply, async () => {
      this.checkSameOrigin(request);
      const token = fieldOf(form, 'link_token');
      const secret = await this.sessions.open(token, browserOf(request));
      const handle = this.sessions.handleOf(token);
      this.cookies.write(reply, sessionPurpose(handle), secret);
      return { redirect: hostedPagePath(handle) };
    });
  }

  @Post('start')
  @Public()
  @HttpCode(200)
  async start(@Body() form: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.respond(reply, async () => {
      this.checkSameOrigin(request);
      const session = await this.findSession(fieldOf(form, 'session'), request);
      await this.limits.countChange(session.userId);
      const link = await this.sessions.start(session, fieldOf(form, 'provider'), browserOf(request));
      this.cookies.writeLink(request, reply, link.id, link.browserSecret);
      return { redirect: link.linkWebUrl };
    });
  }

  /** The link of a session is followed: it asks to be opened, or has been opened in this browser. */
  private async follow(token: string, request: FastifyRequest): Promise<string | { readonly redirect: string }> {
    if (await this.sessions.isUnopened(token)) {
      return openingPage(token);
    }
    const { handle } = await this.findSession(this.sessions.handleOf(token), request, browserOf(request));
    return { redirect: hostedPagePath(handle) };
  }

  private findSession(
    handle: string,
    request: FastifyRequest,
    follower?: ReturnType<typeof browserOf>,
  ): Promise<OpenLinkSession> {
    return this.sessions.get(handle, this.cookies.read(request, sessionPurpose(handle)), follower);
  }

  /** Shows what may be linked, and once how each link ended that the browser has come back from. */
  private async showChoice(session: OpenLinkSession, request: FastifyRequest, reply: FastifyReply): Promise<string> {
    const ended = await this.sessions.findEnded(session, this.cookies.readLinks(request));
    if (!isPeek(request)) {
      ended.forEach(({ id }) => this.cookies.clear(reply, id));
    }
    const providers = this.sessions.listProviders(session).map(({ definition }) => definition);
    const notices = ended.flatMap((link) => noticeOf(link, providers) ?? []);
    return choicePage(session.handle, providers, notices);
  }

  /** Browsers that send neither header are old; there the cookie alone has to do. */
  private checkSameOrigin({ headers }: FastifyRequest): void {
    const { 'sec-fetch-site': site, origin } = headers;
    const isForeignSite = site !== undefined && site !== 'same-origin';
    const isForeignOrigin = origin !== undefined && origin !== new URL(this.config.publicUrl).origin;
    if (isForeignSite || isForeignOrigin) {
      throw new LinkSessionInvalidError();
    }
  }

  /** Responds with a page or a redirect; with a page also where the API would send problem details. */
  private async respond(
    reply: FastifyReply,
    act: () => Promise<string | { readonly redirect: string }>,
  ): Promise<void> {
    void reply.headers(this.headers);
    try {
      const outcome = await act();
      await (typeof outcome === 'string'
        ? reply.send(outcome)
        : reply.headers(redirectHeaders).redirect(outcome.redirect, 303));
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      reply.request.problemCode = error.code;
      await reply.status(errorStatuses[error.code]).send(refusalPage(error.message));
    }
  }
}

function fieldOf(form: unknown, name: string): string {
  return typeof form === 'string' ? (new URLSearchParams(form).get(name) ?? '') : '';
}

/** The notice for the user after a link that returned to the page. */
function noticeOf({ provider, outcome }: EndedLink, providers: readonly OfferedProvider[]): string | undefined {
  const name = providers.find(({ slug }) => slug === provider)?.displayName;
  if (name === undefined) {
    return undefined;
  }
  if (outcome === 'connected') {
    return `${name} is connected. You can connect another device, or close this page.`;
  }
  return outcome === 'AUTHORIZATION_DENIED'
    ? `${name} is not connected, because you declined.`
    : `${name} could not be connected. Try again now or later.`;
}
