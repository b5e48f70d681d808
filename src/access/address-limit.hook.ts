import { Injectable } from '@nestjs/common';
import { errorCodes, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { problemHeaders, quotaHeaders, toProblem } from '../errors/app-error.filter.js';
import { ApiKeyInvalidError, RateLimitedError, UserTokenInvalidError } from '../errors/request.errors.js';
import { parseApiKey } from './api-key.js';
import { ApiKeysService } from './api-keys.service.js';
import { bearerTokenOf, type AuthenticatedRequest } from './authenticated-request.js';
import { ExistingKeyIds } from './existing-key-ids.js';
import { RateLimits } from './rate-limits.js';
import { UserTokens } from './user-tokens.js';

/** The setting of a route for its callers' addresses; without one the route is for callers with credentials. */
export interface AddressRule {
  /**
   * `page`: open to anyone, and counted for the address. `hook`: the same with a limit of its own, for the servers of
   * providers. `none`: not counted at all.
   */
  readonly addressRule?: 'page' | 'hook' | 'none';
}

/**
 * Counts calls for the address that they come from, before a body is read or anything is looked up (AR-25). As a hook
 * of the server it covers every route, also those that Nest does not know and those that do not exist.
 *
 * A call is not counted here if it has an API key that was used in this process, or a text that may be a user token.
 * The access guard counts those that it refuses. Once an address is over its limit, only valid credentials get through.
 */
@Injectable()
export class AddressLimit {
  constructor(
    private readonly limits: RateLimits,
    private readonly apiKeys: ApiKeysService,
    private readonly keyIds: ExistingKeyIds,
    private readonly userTokens: UserTokens,
  ) {}

  /**
   * Adds the hook. It comes after those for requests, which give the response its headers and its log line, and before
   * the body is read.
   */
  install(fastify: FastifyInstance): void {
    fastify.addHook('preParsing', (request, reply, _payload, done) => {
      const checked = this.check(request);
      if (checked === undefined) {
        done();
      } else {
        checked.then(
          () => done(),
          (error: unknown) => refuse(error, request, reply),
        );
      }
    });
  }

  private check(request: AuthenticatedRequest): Promise<void> | undefined {
    const { addressRule } = request.routeOptions.config as AddressRule;
    if (addressRule === undefined) {
      return this.checkCaller(request);
    }
    switch (addressRule) {
      case 'none':
        return undefined;
      case 'page':
        return this.checkPage(request);
      case 'hook':
        return this.limits.countHook(request.ip);
    }
  }

  private checkCaller(request: AuthenticatedRequest): Promise<void> | undefined {
    const token = bearerTokenOf(request);
    const key = token === undefined ? undefined : parseApiKey(token);
    const isKnown = key === undefined ? this.isUserToken(token) : this.apiKeys.knows(key.id);
    return isKnown && !this.limits.isGuessingTooOften(request.ip) ? undefined : this.checkGuess(request, token);
  }

  /**
   * Pages accept forms only. Another site can make a browser send a form, so nothing else needs a parser here.
   */
  private async checkPage({ ip, method, headers }: FastifyRequest): Promise<void> {
    await this.limits.countPage(ip);
    const type = headers['content-type'];
    if (method === 'POST' && type !== undefined && !/^application\/x-www-form-urlencoded *(;|$)/i.test(type)) {
      throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE();
    }
  }

  private async checkGuess(request: AuthenticatedRequest, token: string | undefined): Promise<void> {
    try {
      await this.limits.countGuess(request.ip);
      request.isCounted = true;
    } catch (error) {
      if (token === undefined || !(error instanceof RateLimitedError) || !(await this.isValid(token))) {
        throw error;
      }
    }
  }

  private isUserToken(token: string | undefined): boolean {
    return token !== undefined && this.userTokens.recognizes(token);
  }

  /** Looks up only keys that exist, so that made-up ones cost nothing. */
  private async isValid(token: string): Promise<boolean> {
    try {
      if (this.isUserToken(token)) {
        await this.userTokens.authenticate(token);
        return true;
      }
      const key = parseApiKey(token);
      if (key === undefined || !(this.apiKeys.knows(key.id) || (await this.keyIds.include(key.id)))) {
        return false;
      }
      await this.apiKeys.authenticate(token);
      return true;
    } catch (error) {
      if (error instanceof ApiKeyInvalidError || error instanceof UserTokenInvalidError) {
        return false;
      }
      throw error;
    }
  }
}

/** Responds at once: routes that Nest does not know have none of its filters. */
function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = toProblem(error, request.id);
  request.problemCode = problem.code;
  const limits = error instanceof RateLimitedError && error.quota !== undefined ? quotaHeaders(error.quota) : {};
  void reply
    .status(problem.status)
    .headers({ ...problemHeaders(problem), ...limits })
    .send(JSON.stringify(problem));
}
