import { Controller, Get, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { register } from 'prom-client';
import { RequireScope } from '../access/access.decorators.js';

@ApiTags('Operation')
@Controller('metrics')
export class MetricsController {
  @Get()
  @RequireScope('admin')
  @ApiBearerAuth()
  @ApiProduces('text/plain')
  @ApiOperation({ summary: 'Counters in the Prometheus text format' })
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    await reply.type(register.contentType).send(await register.metrics());
  }
}
