import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  MethodNotAllowedException,
  RequestMethod,
} from '@nestjs/common';
import { METHOD_METADATA } from '@nestjs/common/constants';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequestInvalidError } from '../errors/request.errors.js';
import { headMetadata, queryMetadata } from './request-rules.decorators.js';

type Query = readonly string[] | 'any' | undefined;

/**
 * Refuses the parts of a request that a call would ignore. Unknown query parameters may be misspelt ones that were
 * meant to restrict the call (TE-17). `HEAD` would do the work of `GET` and show nothing of it.
 *
 * Runs after the access guards, so that strangers learn only that they have no access.
 */
@Injectable()
export class RequestRulesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const { method, originalUrl, query } = http.getRequest<FastifyRequest>();
    if (method === 'HEAD' && !this.takesHead(context)) {
      void http.getResponse<FastifyReply>().header('allow', 'GET');
      throw new MethodNotAllowedException();
    }
    // Most calls have no query: this guard costs them nothing.
    if (originalUrl.includes('?')) {
      checkQuery(this.read<Query>(context, queryMetadata) ?? [], Object.keys(query as object));
    }
    return true;
  }

  private takesHead(context: ExecutionContext): boolean {
    const routed = this.reflector.get<RequestMethod | undefined>(METHOD_METADATA, context.getHandler());
    return routed === RequestMethod.HEAD || this.read<boolean>(context, headMetadata) === true;
  }

  private read<Value>(context: ExecutionContext, key: string): Value | undefined {
    return this.reflector.getAllAndOverride<Value | undefined>(key, [context.getHandler(), context.getClass()]);
  }
}

function checkQuery(taken: readonly string[] | 'any', names: readonly string[]): void {
  if (taken === 'any' || names.every((name) => taken.includes(name))) {
    return;
  }
  const known = taken.map((name) => `"${name}"`).join(', ');
  throw new RequestInvalidError(
    taken.length === 0
      ? 'The query has a parameter that this call does not accept. It accepts none: remove the query.'
      : `The query has a parameter that this call does not accept. It accepts ${known}: correct or remove the others.`,
  );
}
