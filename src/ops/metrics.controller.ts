import { Controller, Get, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { register } from 'prom-client';
import { RequireScope } from '../access/access.decorators.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { Database } from '../database/database.js';
import { observePool } from './database.metrics.js';
import './process.metrics.js';

@ApiTags('Operation')
@Controller('metrics')
export class MetricsController {
  constructor(database: Database) {
    observePool(database);
  }

  @Get()
  @RequireScope('metrics:read')
  @ApiBearerAuth()
  @ApiProduces('text/plain')
  @ApiOperation({ summary: 'Get metrics in the Prometheus text format' })
  @ApiOkResponse({
    schema: { type: 'string', example: 'cufflink_token_hand_outs_total{provider="whoop",how="fresh"} 17' },
  })
  @ApiProblems()
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    await reply.type(register.contentType).send(await register.metrics());
  }
}
