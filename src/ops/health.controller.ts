import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../access/access.decorators.js';
import { version } from '../config/version.js';
import { problemHeaders, toProblem } from '../errors/app-error.filter.js';
import { ApiPublicProblems } from '../http/api-problems.decorator.js';
import { AllowHead } from '../http/request-rules.decorators.js';
import { readinessParts, ReadinessService } from './readiness.js';

@ApiTags('Operation')
@Controller('health')
@AllowHead()
export class HealthController {
  constructor(private readonly readiness: ReadinessService) {}

  @Get('live')
  @Public({ counted: false })
  @ApiOperation({ summary: 'Check that the process is running' })
  @ApiOkResponse({ schema: { example: { status: 'ok', version: '1.0.0' } } })
  live(): object {
    return { status: 'ok', version };
  }

  /** The problem of a failed check has all checks in it, so the filter cannot write it. */
  @Get('ready')
  @Public({ counted: false })
  @ApiOperation({
    summary: 'Check that calls can be served',
    description:
      '503 while the database does not respond, migrations are pending, no key can be used, or the process is stopping. ' +
      'A check that is `degraded` does not count as a failure. Both responses have `checks` and `version`.',
  })
  @ApiOkResponse({
    schema: {
      example: {
        status: 'ok',
        version: '1.0.0',
        checks: Object.fromEntries(readinessParts.map((part) => [part, { status: 'ok' }])),
      },
    },
  })
  @ApiPublicProblems('DATABASE_UNAVAILABLE', 'KEY_UNAVAILABLE', 'NOT_READY')
  async ready(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { checks, failure } = await this.readiness.check();
    if (failure === undefined) {
      return { status: 'ok', version, checks };
    }
    const problem = toProblem(failure, request.id);
    request.problemCode = problem.code;
    void reply.status(problem.status).headers(problemHeaders(problem));
    return { ...problem, version, checks };
  }
}
