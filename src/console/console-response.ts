import { Inject, Injectable, NotFoundException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../errors/app-error.js';
import { errorStatuses } from '../errors/app-error.filter.js';
import { ConsoleSessionInvalidError } from '../errors/authorization.errors.js';
import { linksConfig, type LinksConfig } from '../links/links.config.js';
import { isSameOrigin } from '../web/same-origin.js';
import { ConsoleCookie } from './console-cookie.js';
import { consoleConfig, type ConsoleConfig } from './console.config.js';
import { ConsoleSessions, type Operator } from './console-sessions.js';
import { consoleHeaders, problemPage } from './pages/console-page.js';

/** A page, or a redirect. */
export type ConsoleOutcome = string | { readonly redirect: string };

/** Responds to requests to the console with pages, for operators only. */
@Injectable()
export class ConsoleResponse {
  constructor(
    private readonly sessions: ConsoleSessions,
    private readonly cookie: ConsoleCookie,
    @Inject(consoleConfig.KEY) private readonly config: ConsoleConfig,
    @Inject(linksConfig.KEY) private readonly links: LinksConfig,
  ) {}

  /** Responds to an operator. Redirects anybody else to the sign-in page. */
  async toOperator(
    request: FastifyRequest,
    reply: FastifyReply,
    act: (operator: Operator) => Promise<ConsoleOutcome>,
  ): Promise<void> {
    await this.toAnyone(reply, async () => {
      try {
        this.checkOrigin(request);
        const operator = await this.sessions.get(this.cookie.read(request), request);
        return await act(operator);
      } catch (error) {
        if (error instanceof ConsoleSessionInvalidError && request.method === 'GET') {
          return { redirect: '/console/sign-in' };
        }
        throw error;
      }
    });
  }

  /** Responds to a browser without asking for a session. An error becomes a page, not problem details. */
  async toAnyone(
    reply: FastifyReply,
    act: () => Promise<ConsoleOutcome>,
    render: (message: string) => string = problemPage,
  ): Promise<void> {
    if (!this.config.isOn) {
      // The response for a path that does not exist.
      throw new NotFoundException();
    }
    void reply.headers(consoleHeaders);
    try {
      const outcome = await act();
      await (typeof outcome === 'string' ? reply.send(outcome) : reply.redirect(outcome.redirect, 303));
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      reply.request.problemCode = error.code;
      await reply.status(errorStatuses[error.code]).send(render(error.message));
    }
  }

  /** @throws {@link ConsoleSessionInvalidError} when the page of another site has sent a form */
  checkOrigin({ method, headers }: FastifyRequest): void {
    if (method !== 'GET' && !isSameOrigin(headers, this.links.publicUrl)) {
      throw new ConsoleSessionInvalidError('This form was sent by another site. Nothing was done.');
    }
  }
}
