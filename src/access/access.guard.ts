import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  AccessDeniedError,
  ApiKeyInvalidError,
  ScopeMissingError,
  UserTokenInvalidError,
} from '../errors/request.errors.js';
import { AccessDenials } from './access-denials.js';
import { accessMetadata, type AccessRule } from './access.decorators.js';
import { ApiKeysService } from './api-keys.service.js';
import { bearerTokenOf, type AuthenticatedRequest } from './authenticated-request.js';
import { mayUseProvider, type Caller } from './caller.js';
import { RateLimits } from './rate-limits.js';
import { includesScope } from './scopes.js';
import { UserTokens } from './user-tokens.js';

type CallerRule = Extract<AccessRule, { kind: 'caller' }>;

/**
 * Accepts a request if its caller may use the route, with the provider and for the user in the path. Routes without
 * requirements are closed. All of it is decided before anything is looked up, so that a refusal does not reveal what
 * exists. Refusals are counted, and too many lead to 429 (AR-25).
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly apiKeys: ApiKeysService,
    private readonly denials: AccessDenials,
    private readonly limits: RateLimits,
    private readonly userTokens: UserTokens,
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
      throw new Error(`${context.getClass().name}.${context.getHandler().name} has no access rule.`);
    }
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    try {
      await this.authorize(request, rule);
    } catch (error) {
      if (isDenial(error)) {
        await this.count(request);
        await this.denials.note(error, request);
      }
      throw error;
    }
    return true;
  }

  /** @throws {@link RateLimitedError} when this refusal is one too many; it leaves no entry then */
  private async count({ caller, ip, isCounted }: AuthenticatedRequest): Promise<void> {
    if (caller !== undefined) {
      await this.limits.countCaller(caller);
    } else if (isCounted !== true) {
      await this.limits.countGuess(ip);
    }
  }

  private async authorize(request: AuthenticatedRequest, rule: CallerRule): Promise<void> {
    const token = bearerTokenOf(request);
    if (token === undefined) {
      throw new ApiKeyInvalidError('This call needs an API key. Send it as "Authorization: Bearer <key>".');
    }
    request.caller = this.userTokens.recognizes(token)
      ? await this.userTokens.authenticate(token)
      : await this.apiKeys.authenticate(token);
    checkAccess(request.caller, rule, request.params as PathParameters);
  }
}

type Denial = ApiKeyInvalidError | UserTokenInvalidError | ScopeMissingError | AccessDeniedError;

function isDenial(error: unknown): error is Denial {
  return (
    error instanceof ApiKeyInvalidError ||
    error instanceof UserTokenInvalidError ||
    error instanceof ScopeMissingError ||
    error instanceof AccessDeniedError
  );
}

interface PathParameters {
  readonly user_id?: string;
  readonly provider?: string;
}

/**
 * Compares a caller with the requirements of a route.
 *
 * @throws {@link ScopeMissingError} when an API key lacks the scope
 * @throws {@link AccessDeniedError} when the caller may not act for this user, or not use this provider
 */
function checkAccess(caller: Caller, rule: CallerRule, path: PathParameters): void {
  if (caller.userId === undefined) {
    if (rule.scope !== undefined && !includesScope(caller.scopes, rule.scope)) {
      throw new ScopeMissingError(`This API key lacks the scope "${rule.scope}". Use a key that has it.`);
    }
  } else if (rule.orUser !== true || (rule.scope !== undefined && path.user_id !== caller.userId)) {
    throw new AccessDeniedError();
  }
  const mayUse =
    path.provider === undefined
      ? caller.providers === undefined || rule.filtersProviders === true
      : mayUseProvider(caller, path.provider);
  if (!mayUse) {
    throw new AccessDeniedError();
  }
}
