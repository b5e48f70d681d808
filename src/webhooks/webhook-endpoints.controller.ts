import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { RequireScope } from '../access/access.decorators.js';
import { requesterOf, type AuthenticatedRequest } from '../access/authenticated-request.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { QueryParameters } from '../http/request-rules.decorators.js';
import type { StoredAttempt } from './attempt-store.js';
import { disabledAfterDays } from './endpoint-store.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';
import { WebhookEndpointsService } from './webhook-endpoints.service.js';
import {
  AttemptListResponse,
  type AttemptResponse,
  AttemptsQuery,
  ChangeEndpointBody,
  CreateEndpointBody,
  EndpointListResponse,
  EndpointPath,
  EndpointResponse,
  NewEndpointResponse,
  ResendBody,
  ResendFailedBody,
  ResentResponse,
  RotatedSecretResponse,
  TestEventResponse,
} from './webhooks.dto.js';

const defaultPageSize = 100;

@ApiTags('Events')
@ApiBearerAuth()
@Controller('v1/webhook-endpoints')
export class WebhookEndpointsController {
  constructor(private readonly endpoints: WebhookEndpointsService) {}

  @Post()
  @RequireScope('webhooks:write')
  @ApiOperation({
    summary: 'Add an endpoint that receives events',
    description:
      'The endpoint receives events from now on, signed as the Standard Webhooks specification says. Respond with 2xx ' +
      'within 15 s. Failed deliveries are repeated for more than three days. An endpoint is disabled when every delivery ' +
      `fails for ${disabledAfterDays} days, and at once when it responds with 410. See docs/events.md.`,
  })
  @ApiCreatedResponse({ type: NewEndpointResponse })
  @ApiProblems('WEBHOOK_URL_NOT_ALLOWED')
  async create(@Body() body: CreateEndpointBody, @Req() request: AuthenticatedRequest): Promise<NewEndpointResponse> {
    const target = { url: body.url, eventTypes: body.event_types ?? [], providers: body.providers ?? null };
    const { endpoint, secret } = await this.endpoints.create(target, requesterOf(request));
    return { ...toResponse(endpoint), secret };
  }

  @Get()
  @RequireScope('webhooks:write')
  @ApiOperation({ summary: 'List the endpoints' })
  @ApiOkResponse({ type: EndpointListResponse })
  @ApiProblems()
  async list(): Promise<EndpointListResponse> {
    return { endpoints: (await this.endpoints.list()).map(toResponse) };
  }

  @Get(':endpoint_id')
  @RequireScope('webhooks:write')
  @ApiOperation({ summary: 'Get one endpoint' })
  @ApiOkResponse({ type: EndpointResponse })
  @ApiProblems('WEBHOOK_ENDPOINT_NOT_FOUND')
  async get(@Param() path: EndpointPath): Promise<EndpointResponse> {
    return toResponse(await this.endpoints.get(path.endpoint_id));
  }

  @Patch(':endpoint_id')
  @RequireScope('webhooks:write')
  @ApiOperation({ summary: 'Change an endpoint, or enable it again' })
  @ApiOkResponse({ type: EndpointResponse })
  @ApiProblems('WEBHOOK_ENDPOINT_NOT_FOUND', 'WEBHOOK_URL_NOT_ALLOWED')
  async change(
    @Param() path: EndpointPath,
    @Body() body: ChangeEndpointBody,
    @Req() request: AuthenticatedRequest,
  ): Promise<EndpointResponse> {
    const { url, event_types: eventTypes, providers, status } = body;
    const change = { url, eventTypes, providers, status };
    return toResponse(await this.endpoints.change(path.endpoint_id, change, requesterOf(request)));
  }

  @Delete(':endpoint_id')
  @HttpCode(204)
  @RequireScope('webhooks:write')
  @ApiOperation({ summary: 'Remove an endpoint, and the deliveries that wait for it' })
  @ApiNoContentResponse()
  @ApiProblems('WEBHOOK_ENDPOINT_NOT_FOUND')
  async remove(@Param() path: EndpointPath, @Req() request: AuthenticatedRequest): Promise<void> {
    await this.endpoints.remove(path.endpoint_id, requesterOf(request));
  }

  @Post(':endpoint_id/rotate-secret')
  @HttpCode(200)
  @RequireScope('webhooks:write')
  @ApiOperation({
    summary: 'Make a new signing secret',
    description: 'For 24 hours every delivery has two signatures, one for each secret.',
  })
  @ApiOkResponse({ type: RotatedSecretResponse })
  @ApiProblems('WEBHOOK_ENDPOINT_NOT_FOUND')
  async rotate(@Param() path: EndpointPath, @Req() request: AuthenticatedRequest): Promise<RotatedSecretResponse> {
    const { endpoint, secret, previousExpiresAt } = await this.endpoints.rotate(path.endpoint_id, requesterOf(request));
    return { ...toResponse(endpoint), secret, previous_secret_expires_at: previousExpiresAt.toISOString() };
  }

  @Get(':endpoint_id/attempts')
  @QueryParameters('outcome', 'event_id', 'limit', 'cursor')
  @RequireScope('webhooks:write')
  @ApiOperation({ summary: 'List the attempts to deliver to an endpoint, newest first' })
  @ApiOkResponse({ type: AttemptListResponse })
  @ApiProblems('WEBHOOK_ENDPOINT_NOT_FOUND')
  async attempts(@Param() path: EndpointPath, @Query() query: AttemptsQuery): Promise<AttemptListResponse> {
    const size = query.limit === undefined ? defaultPageSize : Number(query.limit);
    const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(query.cursor);
    const filter = { outcome: query.outcome, eventId: query.event_id };
    const found = await this.endpoints.listAttempts(path.endpoint_id, filter, before, size + 1);
    const attempts = found.slice(0, size);
    const last = found.length > size ? attempts.at(-1) : undefined;
    return { attempts: attempts.map(toAttempt), next_cursor: last === undefined ? null : String(last.number) };
  }

  @Post(':endpoint_id/resend')
  @HttpCode(202)
  @RequireScope('webhooks:write')
  @ApiOperation({ summary: 'Deliver one event again' })
  @ApiAcceptedResponse({ type: ResentResponse })
  @ApiProblems('WEBHOOK_ENDPOINT_NOT_FOUND', 'EVENT_NOT_FOUND')
  async resend(@Param() path: EndpointPath, @Body() body: ResendBody): Promise<ResentResponse> {
    await this.endpoints.resend(path.endpoint_id, body.event_id);
    return { queued: 1 };
  }

  @Post(':endpoint_id/resend-failed')
  @HttpCode(202)
  @RequireScope('webhooks:write')
  @ApiOperation({
    summary: 'Deliver all events since an instant that the endpoint has not received',
    description: 'This includes events from a time in which the endpoint was disabled.',
  })
  @ApiAcceptedResponse({ type: ResentResponse })
  @ApiProblems('WEBHOOK_ENDPOINT_NOT_FOUND')
  async resendFailed(@Param() path: EndpointPath, @Body() body: ResendFailedBody): Promise<ResentResponse> {
    return { queued: await this.endpoints.resendFailed(path.endpoint_id, new Date(body.since)) };
  }

  @Post(':endpoint_id/test')
  @HttpCode(202)
  @RequireScope('webhooks:write')
  @ApiOperation({ summary: 'Send a webhook.test event to the endpoint' })
  @ApiAcceptedResponse({ type: TestEventResponse })
  @ApiProblems('WEBHOOK_ENDPOINT_NOT_FOUND')
  async test(@Param() path: EndpointPath, @Req() request: AuthenticatedRequest): Promise<TestEventResponse> {
    return { event_id: await this.endpoints.test(path.endpoint_id, requesterOf(request)) };
  }
}

function toResponse(endpoint: WebhookEndpoint): EndpointResponse {
  return {
    id: endpoint.id,
    url: endpoint.url,
    event_types: [...endpoint.eventTypes],
    providers: endpoint.providers === null ? null : [...endpoint.providers],
    status: endpoint.status,
    disabled_reason: endpoint.disabledReason,
    failing_since: endpoint.failingSince?.toISOString() ?? null,
    created_at: endpoint.createdAt.toISOString(),
  };
}

function toAttempt(attempt: StoredAttempt): AttemptResponse {
  return {
    event_id: attempt.eventId,
    event_type: attempt.eventType,
    attempt: attempt.attempt,
    attempted_at: attempt.attemptedAt.toISOString(),
    duration_ms: attempt.durationMs,
    outcome: attempt.outcome,
    http_status: attempt.httpStatus,
    error_code: attempt.errorCode,
    next_attempt_at: attempt.nextAttemptAt?.toISOString() ?? null,
  };
}
