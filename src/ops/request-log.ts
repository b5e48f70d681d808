import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { PinoLogger } from 'nestjs-pino';
import { logWhenFinished } from './logging.js';
import { measureRequests } from './request.metrics.js';
import { tracing } from './trace-context.js';

/** Marks every line that is logged for a request with its id, logs the request itself, and measures it. */
@Injectable()
export class RequestLog implements OnModuleInit {
  constructor(
    private readonly logger: PinoLogger,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  onModuleInit(): void {
    const adapter = this.adapterHost.httpAdapter as FastifyAdapter | null | undefined;
    if (!adapter) {
      // Commands have no server.
      return;
    }
    const fastify = adapter.getInstance();
    fastify.addHook('onRequest', (request, reply, done) => {
      tracing().nameRequest(request.method, request.routeOptions.url ?? 'none', request.id);
      const log = (): void => {
        logWhenFinished(this.logger.logger, request, reply.raw);
        done();
      };
      this.logger.runInContext(log, { bindings: { reqId: request.id } });
    });
    measureRequests(fastify);
  }
}
