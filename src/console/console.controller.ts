import { Body, Controller, Get, HttpCode, Post, Query, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { isUUID } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../access/access.decorators.js';
import { AuditReader } from '../audit/audit-reader.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { ReadReplica } from '../database/read-replica.js';
import { RequestInvalidError, ScopeMissingError } from '../errors/request.errors.js';
import { FleetCounts } from '../fleet/fleet-counts.js';
import { ProviderHealth } from '../fleet/provider-health.js';
import { UpcomingRefreshesReader } from '../fleet/upcoming-refreshes.js';
import { QueryParameters } from '../http/request-rules.decorators.js';
import { userIdPattern } from '../http/user-id.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import type { Connection } from '../tokens/store/connection.js';
import { TokensService } from '../tokens/tokens.service.js';
import { KeyStore } from '../vault/key-store.js';
import { fieldOf } from '../web/form-field.js';
import { WebhookEndpointsService } from '../webhooks/webhook-endpoints.service.js';
import { ConsoleConnections } from './console-connections.js';
import { ConsoleFindings } from './console-findings.js';
import { ConsoleResponse } from './console-response.js';
import type { Operator } from './console-sessions.js';
import { connectionsPage, type ConnectionRow } from './pages/connections-page.js';
import { overviewPage, type ProviderRow } from './pages/overview-page.js';
import { refreshesPage } from './pages/refreshes-page.js';
import { systemPage } from './pages/system-page.js';
import { connectionPage, historyLength, userPage } from './pages/user-page.js';
import { resentPage, webhooksPage } from './pages/webhooks-page.js';

/** Hours of the chart on the overview. */
const historyHours = 7 * 24;
/** Most failed deliveries that are shown for one endpoint. */
const mostFailed = 20;

type PageQuery = Readonly<Record<string, unknown>>;

/**
 * The pages of the console. All except one form are read-only, and no page holds a token. Anyone may request a page;
 * {@link ConsoleResponse} shows it to operators only.
 */
@ApiExcludeController()
@Controller('console')
export class ConsoleController {
  constructor(
    private readonly response: ConsoleResponse,
    private readonly registry: ProviderRegistry,
    private readonly counts: FleetCounts,
    private readonly health: ProviderHealth,
    private readonly upcoming: UpcomingRefreshesReader,
    private readonly replica: ReadReplica,
    private readonly connections: ConsoleConnections,
    private readonly tokens: TokensService,
    private readonly endpoints: WebhookEndpointsService,
    private readonly keys: KeyStore,
    private readonly findings: ConsoleFindings,
    private readonly trail: AuditReader,
    private readonly audit: AuditTrail,
  ) {}

  @Get()
  @Public()
  @QueryParameters('provider')
  async overview(@Query() query: PageQuery, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.response.toOperator(request, reply, async () => {
      const { provider } = query;
      return overviewPage({
        providers: await this.providersInUse(),
        counted: await this.counts.latest(),
        history: await this.counts.history(historyHours),
        chosen: typeof provider === 'string' && this.registry.has(provider) ? provider : undefined,
      });
    });
  }

  @Get('connections')
  @Public()
  @QueryParameters('provider', 'status', 'reason', 'error', 'cursor')
  async list(@Query() query: PageQuery, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.response.toOperator(request, reply, async () => {
      const { chosen, read, next } = await this.connections.list(query);
      return connectionsPage({
        rows: read.result.connections.map((connection) => this.toRow(connection)),
        chosen,
        providers: (await this.providersInUse()).map(({ slug }) => slug),
        counts: (await this.counts.latest())?.counts ?? [],
        next,
        read,
      });
    });
  }

  @Get('refreshes')
  @Public()
  async refreshes(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.response.toOperator(request, reply, async () => {
      const providers = (await this.providersInUse()).filter(({ health }) => health.active > 0);
      const slugs = providers.map(({ slug }) => slug);
      return refreshesPage(providers, await this.replica.read((run) => this.upcoming.read(slugs, run)));
    });
  }

  @Get('users')
  @Public()
  @QueryParameters('user_id')
  async user(@Query() query: PageQuery, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.response.toOperator(request, reply, async (operator) => {
      const userId = readUserId(query);
      await this.noteView(operator, userId);
      const connections = await this.tokens.list(userId);
      return userPage(
        userId,
        connections.map((connection) => this.toRow(connection)),
      );
    });
  }

  @Get('connection')
  @Public()
  @QueryParameters('user_id', 'provider')
  async connection(
    @Query() query: PageQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.response.toOperator(request, reply, async (operator) => {
      const userId = readUserId(query);
      const provider = String(query['provider']);
      const connection = await this.tokens.get(userId, provider);
      await this.noteView(operator, userId, connection);
      const { entries } = await this.trail.find({ userId, provider }, historyLength);
      return connectionPage(this.toRow(connection), this.tokens.refreshExpiryOf(connection), entries);
    });
  }

  @Get('webhooks')
  @Public()
  async webhooks(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.response.toOperator(request, reply, async ({ mayResend }) => {
      const endpoints = await this.endpoints.list();
      const rows = endpoints.map(async (endpoint) => ({
        endpoint,
        failed: await this.endpoints.listAttempts(
          endpoint.id,
          { outcome: 'failed' },
          Number.MAX_SAFE_INTEGER,
          mostFailed,
        ),
      }));
      return webhooksPage(await Promise.all(rows), mayResend);
    });
  }

  @Post('webhooks/resend')
  @Public()
  @HttpCode(200)
  async resend(@Body() form: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.response.toOperator(request, reply, async ({ mayResend, requester }) => {
      const [endpointId, eventId] = [fieldOf(form, 'endpoint_id'), fieldOf(form, 'event_id')];
      if (!mayResend) {
        throw new ScopeMissingError('This API key lacks the scope "webhooks:write". Sign in with a key that has it.');
      }
      if (!isUUID(endpointId) || !isUUID(eventId)) {
        throw new RequestInvalidError('The form has no endpoint or no event. Go back and try again.');
      }
      const subject = `webhook-endpoint:${endpointId}`;
      await this.audit.record({ ...requester, action: 'console.delivery_resent', outcome: 'success', subject });
      await this.endpoints.resend(endpointId, eventId);
      return resentPage(eventId);
    });
  }

  @Get('system')
  @Public()
  async system(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.response.toOperator(request, reply, async () =>
      systemPage(await this.findings.read(), await this.keys.list()),
    );
  }

  /** Providers that are configured or have connections. */
  private async providersInUse(): Promise<ProviderRow[]> {
    const all = this.registry.list();
    const health = await this.health.of(all);
    return all.flatMap(({ definition: { slug, displayName: name, lifecycle }, settings }) => {
      const own = health.get(slug);
      const isInUse = settings.mode === 'configured' || (own?.active ?? 0) + (own?.needsRelink ?? 0) > 0;
      return own === undefined || !isInUse ? [] : [{ slug, name, lifecycle, health: own }];
    });
  }

  private toRow(connection: Connection): ConnectionRow {
    return { connection, state: this.tokens.stateOf(connection) };
  }

  private noteView({ requester }: Operator, userId: string, connection?: Connection): Promise<void> {
    return this.audit.record({
      ...requester,
      action: 'console.user_viewed',
      outcome: 'success',
      userId,
      provider: connection?.provider,
      connectionId: connection?.id,
    });
  }
}

/** @throws {@link RequestInvalidError} when it is no user's id */
function readUserId({ user_id: userId }: PageQuery): string {
  if (typeof userId !== 'string' || !userIdPattern.test(userId)) {
    throw new RequestInvalidError('A user id has 1 to 255 printable characters.');
  }
  return userId;
}
