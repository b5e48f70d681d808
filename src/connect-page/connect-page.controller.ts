import { Body, Controller, Get, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../access/access.decorators.js';
import { browserOf } from '../access/authenticated-request.js';
import { RateLimits } from '../access/rate-limits.js';
import { AppError } from '../errors/app-error.js';
import { LinkSessionInvalidError } from '../errors/authorization.errors.js';
import { ConnectionNotFoundError } from '../errors/connection.errors.js';
import { UnknownProviderError } from '../errors/provider.errors.js';
import { AccessDeniedError } from '../errors/request.errors.js';
import { AllowHead, AnyQuery } from '../http/request-rules.decorators.js';
import { isPeek } from '../links/callback/is-peek.js';
import { LinkCookies, sessionPurpose } from '../links/link-cookies.js';
import { LinkSessionsService, type OpenLinkSession } from '../links/sessions/link-sessions.service.js';
import { appSchemes, linksConfig, type LinksConfig } from '../links/links.config.js';
import { hostedPagePath } from '../links/return-url.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { ConnectionEraser } from '../tokens/connection-eraser.js';
import { CompanyPages, type CompanyPage } from '../web/company-pages.js';
import { fieldOf } from '../web/form-field.js';
import { outcomeOfError } from '../web/outcomes.js';
import { isSameOrigin } from '../web/same-origin.js';
import { Devices } from './devices.js';
import { Notices } from './notices.js';
import { choicePage } from './pages/choice-page.js';
import { connectStyle } from './pages/connect-style.js';
import { disconnectPage, openingPage } from './pages/question-pages.js';

/** Headers of a redirect: the next page learns nothing about the one before. */
const redirectHeaders = { 'referrer-policy': 'no-referrer' } as const;
/** The longest text of a search. */
const longestSearch = 60;

/** A page, or a redirect. */
type Response = CompanyPage | { readonly redirect: string };

/**
 * The hosted page: opens a link session in one browser, starts links there, and ends connections.
 *
 * GET only removes the notices that the page has shown. Only the page itself can post forms. The browser sends no
 * session cookie with the form of another site, and a form whose headers name another site is refused. A browser may
 * have several sessions open. Each page names its session by a handle. The session's cookie proves that this browser
 * opened it.
 */
@ApiExcludeController()
@Controller('connect')
@AnyQuery()
@AllowHead()
export class ConnectPageController {
  private readonly headers: Readonly<Record<string, string>>;

  constructor(
    private readonly sessions: LinkSessionsService,
    private readonly devices: Devices,
    private readonly notices: Notices,
    private readonly eraser: ConnectionEraser,
    private readonly registry: ProviderRegistry,
    private readonly cookies: LinkCookies,
    private readonly limits: RateLimits,
    private readonly pages: CompanyPages,
    @Inject(linksConfig.KEY) private readonly config: LinksConfig,
  ) {
    this.headers = pages.headersFor({
      plainHttp: config.publicUrl.startsWith('http:'),
      appSchemes: appSchemes(config),
      style: connectStyle,
    });
  }

  @Get()
  @Public()
  async show(
    @Query() query: Readonly<Record<string, unknown>>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const token = textOf(query['link_token']);
    if (token !== '') {
      await this.respond(await this.follow(token, request), request, reply);
      return;
    }
    const session = await this.findSession(textOf(query['session']), request);
    const words = textOf(query['q']).trim().slice(0, longestSearch);
    await this.respond(await this.showChoice(session, words, request, reply), request, reply);
  }

  @Post()
  @Public()
  @HttpCode(200)
  async open(@Body() form: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    this.checkSameOrigin(request);
    const { session, secret } = await this.sessions.open(fieldOf(form, 'link_token'), browserOf(request));
    this.cookies.write(reply, sessionPurpose(session.handle), secret);
    const only = await this.devices.findOnly(session);
    const redirect =
      only === undefined ? hostedPagePath(session.handle) : await this.begin(session, only, request, reply);
    await this.respond({ redirect }, request, reply);
  }

  @Post('start')
  @Public()
  @HttpCode(200)
  async start(@Body() form: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    this.checkSameOrigin(request);
    const session = await this.findSession(fieldOf(form, 'session'), request);
    const redirect = await this.begin(session, fieldOf(form, 'provider'), request, reply);
    await this.respond({ redirect }, request, reply);
  }

  @Get('disconnect')
  @Public()
  async askToDisconnect(
    @Query() query: Readonly<Record<string, unknown>>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const session = await this.findSession(textOf(query['session']), request);
    const slug = textOf(query['provider']);
    this.checkMayDisconnect(session, slug);
    const name = this.registry.get(slug).definition.displayName;
    const page = disconnectPage(this.pages.textsFor(request.headers), { session: session.handle, slug, name });
    await this.respond({ ...page, returnUrl: this.sessions.returnUrlOf(session) }, request, reply);
  }

  @Post('disconnect')
  @Public()
  @HttpCode(200)
  async disconnect(@Body() form: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    this.checkSameOrigin(request);
    const session = await this.findSession(fieldOf(form, 'session'), request);
    const slug = fieldOf(form, 'provider');
    this.checkMayDisconnect(session, slug);
    try {
      const outcome = await this.eraser.disconnect(session.userId, slug, browserOf(request));
      const isEndedThere = outcome === 'revoked' || outcome === 'pending';
      await this.sessions.addNotice(session, slug, isEndedThere ? 'disconnected' : 'disconnectedHere');
    } catch (error) {
      // It has ended elsewhere since the page was shown.
      if (!(error instanceof ConnectionNotFoundError)) {
        throw error;
      }
    }
    await this.respond({ redirect: hostedPagePath(session.handle) }, request, reply);
  }

  /** Follows the link of a session: asks to open it, or shows the session that this browser has opened. */
  private async follow(token: string, request: FastifyRequest): Promise<Response> {
    const unopened = await this.sessions.findUnopened(token);
    if (unopened !== undefined) {
      return { ...openingPage(this.pages.textsFor(request.headers), token), returnUrl: unopened.returnUrl };
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

  /** Starts a link. If the provider fails, the page says so. Returns the URL for the browser. */
  private async begin(
    session: OpenLinkSession,
    slug: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<string> {
    await this.limits.countChange(session.userId);
    try {
      const link = await this.sessions.start(session, slug, browserOf(request));
      this.cookies.writeLink(request, reply, link.id, link.browserSecret);
      return link.linkWebUrl;
    } catch (error) {
      if (!isForPerson(error) || error instanceof UnknownProviderError) {
        throw error;
      }
      request.problemCode = error.code;
      await this.sessions.addNotice(session, slug, outcomeOfError(error.code));
      return hostedPagePath(session.handle);
    }
  }

  /** Shows the devices, and each unread outcome once. */
  private async showChoice(
    session: OpenLinkSession,
    words: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<Response> {
    const secrets = this.cookies.readLinks(request);
    const { notices, endedLinks } = isPeek(request)
      ? { notices: [], endedLinks: [] }
      : await this.notices.take(session, secrets);
    endedLinks.forEach((id) => this.cookies.clear(reply, id));
    const page = choicePage(this.pages.textsFor(request.headers), {
      session: session.handle,
      devices: await this.devices.list(session),
      words,
      mayDisconnect: session.connectionAccess === 'write',
      notices,
    });
    return { ...page, returnUrl: this.sessions.returnUrlOf(session) };
  }

  /** @throws {@link AccessDeniedError} when the key that made the session may not end connections, or not this one */
  private checkMayDisconnect({ connectionAccess, providers }: OpenLinkSession, slug: string): void {
    if (connectionAccess !== 'write' || providers?.includes(slug) === false) {
      throw new AccessDeniedError();
    }
  }

  private checkSameOrigin({ headers }: FastifyRequest): void {
    if (!isSameOrigin(headers, this.config.publicUrl)) {
      throw new LinkSessionInvalidError();
    }
  }

  private async respond(response: Response, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    void reply.headers(this.headers);
    await ('redirect' in response
      ? reply.headers(redirectHeaders).redirect(response.redirect, 303)
      : reply.send(this.pages.render(request.headers, { ...response, style: connectStyle })));
  }
}

/** Tells whether the person can fix an error, or can wait for its end. The others are logged. */
function isForPerson(error: unknown): error is AppError {
  return error instanceof AppError && error.act !== 'operator' && error.act !== 'us';
}

function textOf(parameter: unknown): string {
  return typeof parameter === 'string' ? parameter : '';
}
