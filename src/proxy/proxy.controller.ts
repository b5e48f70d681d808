import { applyDecorators, Controller, Delete, Get, Head, Param, Patch, Post, Put, Req, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiExcludeEndpoint,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RequireScope, Unlimited } from '../access/access.decorators.js';
import { requesterOf, type AuthenticatedRequest } from '../access/authenticated-request.js';
import { RequestInvalidError } from '../errors/request.errors.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { RawBody } from '../http/request-bodies.js';
import { AnyQuery } from '../http/request-rules.decorators.js';
import { ConnectionPath } from '../http/user-path.dto.js';
import { CallerConnection } from './caller-connection.js';
import { ResponseMemory } from './response-memory.js';
import { passedToCaller } from './passed-headers.js';
import { ProxyService, type CallerRequest } from './proxy.service.js';
import { tokenUseProblems } from './token-use-problems.js';

/** The header of a provider's response, with the provider's slug. Our own responses have none. */
const providerHeader = 'cufflink-answer-from';

const route = ':provider/proxy/*';

/** The decorators of the route, for each method. */
const ProxyRoute = () =>
  applyDecorators(
    Unlimited(),
    RawBody(),
    // The provider's.
    AnyQuery(),
    RequireScope('tokens:sign'),
    ApiOperation({
      summary: "Call the provider's API with the user's token",
      description:
        "The path after `proxy/` is appended to the base URL of the provider's API. Path, query and body are sent unchanged, with the " +
        `user's token or signature added. A response with the header \`${providerHeader}\` comes from the provider, with its status and body. A ` +
        'response without it is an error of this service. docs/calling-providers.md lists the headers that are passed on.',
    }),
    ApiParam({
      name: 'path',
      example: 'activity/sleep',
      description:
        "path below the base URL of the provider's API. Send its slashes as they are, or all of them escaped as `%2F`, as generated clients do.",
    }),
    ApiQuery({
      name: 'query',
      required: false,
      style: 'form',
      explode: true,
      schema: { type: 'object', additionalProperties: { type: 'string' } },
      example: { limit: '10' },
      description: 'any parameters of the provider, but for credentials',
    }),
    ApiResponse({
      status: '2XX',
      description: `the provider's response, with the header \`${providerHeader}\``,
      content: { '*/*': {} },
    }),
    ApiResponse({
      status: 'default',
      description: `with the header \`${providerHeader}\`: the provider's response, with any status`,
      content: { '*/*': {} },
    }),
    ApiProblems('CALL_UNSUPPORTED', 'CALL_ANSWER_UNUSABLE', ...tokenUseProblems),
  );

/** The body of a request that is no `GET`. */
const AnyBody = () =>
  applyDecorators(
    ApiConsumes('*/*'),
    ApiBody({
      required: false,
      description: 'sent unchanged, with its content type; at most 64 KiB',
      schema: { type: 'string', format: 'binary' },
    }),
  );

/** Calls to the APIs of providers through this service. */
@ApiTags('Calls')
@ApiBearerAuth()
@Controller('v1/users/:user_id/connections')
export class ProxyController {
  constructor(
    private readonly proxy: ProxyService,
    private readonly memory: ResponseMemory,
  ) {}

  // Before `get`, which would otherwise respond to `HEAD` with a length of 0.
  @Head(route)
  @ProxyRoute()
  @ApiExcludeEndpoint()
  head(@Param() path: ConnectionPath, @Req() request: AuthenticatedRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.pass(path, request, reply);
  }

  @Get(route)
  @ProxyRoute()
  get(@Param() path: ConnectionPath, @Req() request: AuthenticatedRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.pass(path, request, reply);
  }

  @Post(route)
  @ProxyRoute()
  @AnyBody()
  post(@Param() path: ConnectionPath, @Req() request: AuthenticatedRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.pass(path, request, reply);
  }

  @Put(route)
  @ProxyRoute()
  @AnyBody()
  put(@Param() path: ConnectionPath, @Req() request: AuthenticatedRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.pass(path, request, reply);
  }

  @Patch(route)
  @ProxyRoute()
  @AnyBody()
  patch(
    @Param() path: ConnectionPath,
    @Req() request: AuthenticatedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.pass(path, request, reply);
  }

  @Delete(route)
  @ProxyRoute()
  @AnyBody()
  delete(
    @Param() path: ConnectionPath,
    @Req() request: AuthenticatedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.pass(path, request, reply);
  }

  private async pass(path: ConnectionPath, request: AuthenticatedRequest, reply: FastifyReply): Promise<void> {
    const { user_id: userId, provider } = path;
    const call = readCall(request);
    const reservation = this.memory.open();
    const connection = new CallerConnection(request.raw.socket);
    try {
      const response = await this.proxy.call(
        userId,
        provider,
        call,
        requesterOf(request),
        reservation,
        connection.gone,
      );
      const length = request.method === 'HEAD' ? response.headers['content-length'] : undefined;
      void reply
        .status(response.status)
        .headers(passedToCaller(response.headers))
        .headers({ [providerHeader]: provider, ...(length === undefined ? {} : { 'content-length': length }) })
        .send(response.body.length === 0 ? undefined : response.body);
      await connection.written(reply.raw, this.memory.readWithinMs);
    } finally {
      connection.leave();
      reservation.leave();
    }
  }
}

/**
 * @throws {@link RequestInvalidError} when the request has a body that would not be sent, or its URL is not a plain
 *   path
 */
function readCall({ method, headers, body, originalUrl }: AuthenticatedRequest): CallerRequest {
  const announcesBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (announcesBody && (method === 'GET' || method === 'HEAD')) {
    throw new RequestInvalidError(`A ${method} request must not have a body.`);
  }
  return {
    method: method as CallerRequest['method'],
    target: targetOf(originalUrl),
    headers,
    body: Buffer.isBuffer(body) ? body : undefined,
  };
}

/**
 * Returns the part after `/v1/users/{user_id}/connections/{provider}/proxy/` of a URL that this route has matched. The
 * part stays encoded; the router's parameter is decoded. None of the six segments can hold a slash of its own.
 *
 * A path in which every slash is escaped comes from a generated client, which escapes a parameter as a whole. A path
 * with both kinds of slash is left as it is, and refused later. Its caller has built it from escaped pieces, and a
 * slash in a piece must not become a separator.
 */
function targetOf(url: string): string {
  const target = /^(?:\/[^/?#]*){6}\/(.*)$/s.exec(url)?.[1];
  if (target === undefined) {
    throw new RequestInvalidError('The request target must be a path that begins with "/".');
  }
  const end = target.search(/\?|$/);
  const path = target.slice(0, end);
  return path.includes('/') ? target : path.replaceAll(/%2f/gi, '/') + target.slice(end);
}
