import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { PinoLogger } from 'nestjs-pino';
import { logWhenFinished } from './logging.js';

/** Marks every line that is logged for a request with its id, and logs the request itself. */
@Injectable()
export class RequestLog implements OnModuleInit {
  constructor(
    private readonly logger: PinoLogger,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  onModuleInit(): void {
    // Commands have no server.
    const adapter = this.adapterHost.httpAdapter as FastifyAdapter | undefined;
    adapter?.getInstance().addHook('onRequest', (request, reply, done) => {
      const log = (): void => {
        logWhenFinished(this.logger.logger, request, reply.raw);
        done();
      };
      this.logger.runInContext(log, { bindings: { reqId: request.id } });
    });
  }
}
