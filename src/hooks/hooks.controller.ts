import { applyDecorators, Controller, Get, NotFoundException, Post, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProviderHook } from '../access/access.decorators.js';
import { ApiPublicProblems } from '../http/api-problems.decorator.js';
import { AllowHead, AnyQuery } from '../http/request-rules.decorators.js';
import { HooksService } from './hooks.service.js';

interface HookPath {
  readonly provider: string;
  readonly path_secret?: string;
}

const pathSecret = {
  name: 'path_secret',
  example: 'not-a-real-path-secret',
  description: '`<PREFIX>_HOOK_PATH_SECRET`',
};

/** A check of the URL by a provider. */
const Handshake = (): MethodDecorator =>
  applyDecorators(
    ProviderHook(),
    AnyQuery(),
    AllowHead(),
    ApiOperation({
      summary: "Respond to a provider's check of the URL",
      description:
        'Providers call this, some with HEAD. Status and body are those that the provider expects. A wrong token gets 401, ' +
        '403 or 404.',
    }),
    ApiResponse({ status: 200, description: 'the check is valid' }),
    ApiPublicProblems('ROUTE_NOT_FOUND', 'RATE_LIMITED'),
  );

/** A notification of a provider. */
const Notification = (): MethodDecorator =>
  applyDecorators(
    ProviderHook(),
    AnyQuery(),
    ApiOperation({
      summary: 'Receive a notification of a provider',
      description:
        'Providers call this. The proof is verified over the raw body, the events are stored, and the status is the one ' +
        'that the provider expects. Only ids, times and names of the body are kept. An unproven notification ends no ' +
        'connection. A wrong proof gets 401 or 404.',
    }),
    ApiResponse({ status: 200, description: 'stored, or of an unknown account; some providers expect 202 or 204' }),
    ApiPublicProblems(
      'ROUTE_NOT_FOUND',
      'REQUEST_INVALID',
      'RATE_LIMITED',
      'PROVIDER_UNAVAILABLE',
      'DATABASE_UNAVAILABLE',
      'KEY_UNAVAILABLE',
    ),
  );

@ApiTags('Hooks')
@ApiParam({ name: 'provider', example: 'strava', description: 'slug of the provider' })
@Controller('v1/hooks')
export class HooksController {
  constructor(private readonly hooks: HooksService) {}

  @Get(':provider')
  @Handshake()
  check(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.respond(request.method === 'HEAD' ? 'HEAD' : 'GET', request, reply);
  }

  @Get(':provider/:path_secret')
  @Handshake()
  @ApiParam(pathSecret)
  checkAtSecretPath(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.check(request, reply);
  }

  @Post(':provider')
  @Notification()
  receive(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.respond('POST', request, reply);
  }

  @Post(':provider/:path_secret')
  @Notification()
  @ApiParam(pathSecret)
  receiveAtSecretPath(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.receive(request, reply);
  }

  private async respond(method: 'GET' | 'HEAD' | 'POST', request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { provider, path_secret: pathSecret } = request.params as HookPath;
    const response = await this.hooks.handle({
      method,
      provider,
      pathSecret,
      query: request.query as Record<string, unknown>,
      headers: headersOf(request),
      body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    });
    if (response === undefined) {
      throw new NotFoundException();
    }
    await reply.status(response.status).send(response.body);
  }
}

function headersOf({ headers }: FastifyRequest): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => typeof value === 'string')) as Record<
    string,
    string
  >;
}
