import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../access/access.decorators.js';
import { AnyQuery } from '../http/request-rules.decorators.js';
import { fieldOf } from '../web/form-field.js';
import { pageHeaders } from '../web/page-headers.js';
import { isSameOrigin } from '../web/same-origin.js';
import { ApiRefusal, CufflinkApi } from './cufflink-api.js';
import { DemoActions } from './demo-actions.js';
import { DemoPlace } from './demo-place.js';
import { refusalResult, type DemoResult } from './demo-result.js';
import { isDemoUser, readUser, writeUser, type DemoUser } from './demo-users.js';
import { demoPage } from './pages/demo-page.js';
import { demoStyle } from './pages/demo-style.js';
import { entrancePage } from './pages/entrance-page.js';
import { SandboxControl } from './sandbox-control.js';

const mostEvents = 10;
const home = '/demo';

/**
 * A small application of a company: its users connect devices. It has no rights of its own here. It calls the public
 * API with an API key, as an application on another machine does.
 *
 * Every press is a form, and every response to one leads back to the page. The page shows the result once.
 */
@ApiExcludeController()
@Controller('demo')
@AnyQuery()
export class DemoController {
  private readonly headers = pageHeaders({ plainHttp: true, style: demoStyle });
  /** The results for the next page, by user. */
  private readonly results = new Map<DemoUser, DemoResult>();

  constructor(
    private readonly api: CufflinkApi,
    private readonly actions: DemoActions,
    private readonly sandbox: SandboxControl,
    private readonly place: DemoPlace,
  ) {}

  @Get()
  @Public()
  async show(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { apiUrl, sandboxUrl } = this.place.get();
    if (!this.place.isHost(request.headers.host)) {
      // Cookies and return URLs belong to one address. Also no other site may read this page under a name of its own.
      await reply.redirect(apiUrl + home, 303);
      return;
    }
    const user = readUser(request);
    if (user === undefined) {
      await reply.headers(this.headers).send(entrancePage());
      return;
    }
    const [providers, fakes, connections, events] = await Promise.all([
      this.api.listProviders(),
      this.sandbox.list(),
      this.api.listConnections(user),
      this.api.listEvents(user, mostEvents),
    ]);
    const result = this.results.get(user);
    this.results.delete(user);
    const view = { user, result, providers, fakes, connections, events, apiUrl, sandboxUrl, nowMs: Date.now() };
    await reply.headers(this.headers).send(demoPage(view));
  }

  @Post('user')
  @Public()
  @HttpCode(303)
  async chooseUser(@Body() form: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const user = fieldOf(form, 'user');
    if (this.isOurs(request) && isDemoUser(user)) {
      writeUser(reply, user);
    }
    await reply.redirect(home, 303);
  }

  /** Sends the browser to the hosted page, on which the user picks a provider. */
  @Post('connect')
  @Public()
  @HttpCode(303)
  async connect(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.act(request, reply, async (user) => {
      const connectUrl = await this.api.startSession(user, `${this.place.get().apiUrl}${home}/return`);
      return { goTo: connectUrl };
    });
  }

  /**
   * The browser comes back from the hosted page. The link is confirmed for the user of this session, never for a user
   * in the URL. So a forwarded link connects nobody.
   */
  @Get('return')
  @Public()
  async finish(
    @Query() query: Readonly<Record<string, unknown>>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const user = readUser(request);
    if (user !== undefined && this.place.isHost(request.headers.host)) {
      this.results.set(user, await this.outcomeOf(user, query));
    }
    await reply.redirect(home, 303);
  }

  @Post('connections/:provider/:action')
  @Public()
  @HttpCode(303)
  async press(
    @Param() { provider, action }: Readonly<Record<'provider' | 'action', string>>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.act(request, reply, (user) => this.actions.run(action, user, provider));
  }

  private async outcomeOf(user: DemoUser, query: Readonly<Record<string, unknown>>): Promise<DemoResult> {
    const { status, error, link_id: linkId, confirmation_code: code } = query;
    if (status === 'confirmation_required' && typeof linkId === 'string' && typeof code === 'string') {
      return orRefusal(async () => {
        const { line } = await this.api.confirmLink(linkId, user, code);
        return { tone: 'good', text: `The device is connected, and the link was confirmed for ${user}.`, call: line };
      });
    }
    const name = typeof error === 'string' && /^[A-Z_]{1,40}$/.test(error) ? error : 'unknown';
    const text =
      name === 'AUTHORIZATION_DENIED' ? 'Nothing was connected: you declined.' : 'The device could not be connected.';
    return { tone: 'bad', text, facts: [['Error code', name]] };
  }

  /** Acts for the user of this browser, if the form is one of our pages. */
  private async act(
    request: FastifyRequest,
    reply: FastifyReply,
    action: (user: DemoUser) => Promise<DemoResult | { readonly goTo: string }>,
  ): Promise<void> {
    const user = readUser(request);
    if (user === undefined || !this.isOurs(request)) {
      await reply.redirect(home, 303);
      return;
    }
    const outcome = await orRefusal(() => action(user));
    if ('goTo' in outcome) {
      await reply.redirect(outcome.goTo, 303);
      return;
    }
    this.results.set(user, outcome);
    await reply.redirect(home, 303);
  }

  private isOurs({ headers }: FastifyRequest): boolean {
    return this.place.isHost(headers.host) && isSameOrigin(headers, this.place.get().apiUrl);
  }
}

async function orRefusal<Outcome>(action: () => Promise<Outcome>): Promise<Outcome | DemoResult> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof ApiRefusal)) {
      throw error;
    }
    return refusalResult(error);
  }
}
