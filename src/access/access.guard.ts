import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { ApiKeyInvalidError, ScopeMissingError } from '../errors/request.errors.js';
import { accessMetadata, type AccessRule } from './access.decorators.js';
import { ApiKeysService, type Caller } from './api-keys.service.js';

/** A request whose caller is known. Set on every route that is not public. */
export interface AuthenticatedRequest extends FastifyRequest {
  caller?: Caller;
}

/** Lets a request through when its API key has the scope that the route asks for. Routes that ask for nothing are closed. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly apiKeys: ApiKeysService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const rule = this.reflector.getAllAndOverride<AccessRule | undefined>(accessMetadata, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (rule?.kind === 'public') {
      return true;
    }
    if (rule === undefined) {
      throw new Error(`${context.getClass().name}.${context.getHandler().name} does not say who may call it.`);
    }
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const key = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (key === undefined) {
      throw new ApiKeyInvalidError('This call needs an API key. Send it as "Authorization: Bearer <key>".');
    }
    const caller = await this.apiKeys.authenticate(key);
    if (rule.scope !== undefined && !caller.scopes.has(rule.scope)) {
      throw new ScopeMissingError(`This API key lacks the scope "${rule.scope}".`);
    }
    request.caller = caller;
    return true;
  }
}
