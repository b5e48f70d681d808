import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, HttpStatus, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from './app-error.js';
import { errorActors, type ErrorCode } from './error-code.js';
import { RateLimitedError, type CallQuota } from './request.errors.js';

/** The HTTP status of each error code. A new code does not compile until it has one. */
export const errorStatuses = {
  REQUEST_INVALID: HttpStatus.BAD_REQUEST,
  IDEMPOTENCY_KEY_REUSED: HttpStatus.UNPROCESSABLE_ENTITY,
  IDEMPOTENCY_KEY_IN_PROGRESS: HttpStatus.CONFLICT,
  ROUTE_NOT_FOUND: HttpStatus.NOT_FOUND,
  API_KEY_INVALID: HttpStatus.UNAUTHORIZED,
  USER_TOKEN_INVALID: HttpStatus.UNAUTHORIZED,
  USER_KEYS_UNAVAILABLE: HttpStatus.SERVICE_UNAVAILABLE,
  RATE_LIMITED: HttpStatus.TOO_MANY_REQUESTS,
  SCOPE_MISSING: HttpStatus.FORBIDDEN,
  ACCESS_DENIED: HttpStatus.FORBIDDEN,
  RETURN_URL_NOT_ALLOWED: HttpStatus.BAD_REQUEST,
  PROVIDER_UNKNOWN: HttpStatus.NOT_FOUND,
  PROVIDER_NOT_CONFIGURED: HttpStatus.CONFLICT,
  PROVIDER_RETIRED: HttpStatus.GONE,
  CONNECTION_NOT_FOUND: HttpStatus.NOT_FOUND,
  CONNECTION_NOT_REFRESHABLE: HttpStatus.CONFLICT,
  AUTHORIZATION_DENIED: HttpStatus.FORBIDDEN,
  AUTHORIZATION_STATE_INVALID: HttpStatus.FORBIDDEN,
  AUTHORIZATION_CODE_REFUSED: HttpStatus.FORBIDDEN,
  AUTHORIZATION_FAILED: HttpStatus.BAD_GATEWAY,
  LINK_USER_MISMATCH: HttpStatus.FORBIDDEN,
  LINK_SESSION_INVALID: HttpStatus.FORBIDDEN,
  CONSOLE_SESSION_INVALID: HttpStatus.FORBIDDEN,
  ACCOUNT_ALREADY_LINKED: HttpStatus.CONFLICT,
  ACCOUNT_CHANGED: HttpStatus.CONFLICT,
  SCOPE_NOT_GRANTED: HttpStatus.CONFLICT,
  TOKEN_REVOKED: HttpStatus.CONFLICT,
  TOKEN_REFRESH_PENDING: HttpStatus.SERVICE_UNAVAILABLE,
  CONNECTION_FROZEN: HttpStatus.CONFLICT,
  TOKEN_UNREADABLE: HttpStatus.INTERNAL_SERVER_ERROR,
  KEY_UNAVAILABLE: HttpStatus.SERVICE_UNAVAILABLE,
  TOKEN_RESPONSE_INVALID: HttpStatus.BAD_GATEWAY,
  PROVIDER_MISCONFIGURED: HttpStatus.INTERNAL_SERVER_ERROR,
  PROVIDER_UNAVAILABLE: HttpStatus.SERVICE_UNAVAILABLE,
  PROVIDER_RATE_LIMITED: HttpStatus.SERVICE_UNAVAILABLE,
  CALL_UNSUPPORTED: HttpStatus.CONFLICT,
  CALL_ANSWER_UNUSABLE: HttpStatus.BAD_GATEWAY,
  WEBHOOK_ENDPOINT_NOT_FOUND: HttpStatus.NOT_FOUND,
  WEBHOOK_URL_NOT_ALLOWED: HttpStatus.BAD_REQUEST,
  EVENT_NOT_FOUND: HttpStatus.NOT_FOUND,
  DATABASE_UNAVAILABLE: HttpStatus.SERVICE_UNAVAILABLE,
  NOT_READY: HttpStatus.SERVICE_UNAVAILABLE,
  INTERNAL_ERROR: HttpStatus.INTERNAL_SERVER_ERROR,
} satisfies Record<ErrorCode, HttpStatus>;

declare module 'fastify' {
  interface FastifyRequest {
    /** Why the request was rejected, for its log line; absent when it was not. */
    problemCode?: ErrorCode;
  }
}

/** A problem-details body (RFC 9457) with our own members `code`, `act`, `request_id` and `retry_after_seconds`. */
export interface ProblemResponse {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  act: string;
  request_id: string;
  retry_after_seconds?: number;
}

/**
 * Sends every error as problem details. Anything but an {@link AppError} is an internal error: it is logged, and the
 * response says nothing about it.
 */
@Catch()
export class AppErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(AppErrorFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const problem = toProblem(error, request.id);
    request.problemCode = problem.code;
    this.log(error, problem);
    const reply = http.getResponse<FastifyReply>();
    const limits = error instanceof RateLimitedError && error.quota !== undefined ? quotaHeaders(error.quota) : {};
    const headers = { ...problemHeaders(problem), ...limits };
    void reply.status(problem.status).headers(headers).send(JSON.stringify(problem));
  }

  /** Logs errors that the operator or we must fix. Errors that somebody else must fix are only sent. */
  private log(error: unknown, problem: ProblemResponse): void {
    if (problem.act !== 'operator' && problem.act !== 'us') {
      return;
    }
    if (error instanceof AppError) {
      this.logger.error(`${error.code}: ${error.message}${error.detail === undefined ? '' : ` (${error.detail})`}`);
    } else {
      this.logger.error(error instanceof Error ? error : new Error('A value that is not an Error was thrown.'));
    }
  }
}

/** Converts anything thrown into the problem that a caller may see. */
export function toProblem(error: unknown, requestId: string): ProblemResponse {
  if (error instanceof AppError) {
    return problem(error.code, error.message, requestId, error.retryAfterSeconds);
  }
  const status = clientErrorStatus(error);
  if (status === HttpStatus.NOT_FOUND) {
    return problem('ROUTE_NOT_FOUND', 'There is no call with this method and path. Check both.', requestId);
  }
  if (status !== undefined) {
    return requestProblem(status, unreadable(error, status), requestId);
  }
  return problem(
    'INTERNAL_ERROR',
    'Something went wrong in Cufflink. Report the request_id to the operator.',
    requestId,
  );
}

/**
 * Returns the problem of an invalid request, with a status that is more exact than the code.
 *
 * @param status - 400 to 499
 */
export function requestProblem(status: number, detail: string, requestId: string): ProblemResponse {
  return { ...problem('REQUEST_INVALID', detail, requestId), status };
}

/**
 * Returns the headers that tell a caller its limit.
 *
 * @see draft-ietf-httpapi-ratelimit-headers-11
 */
export function quotaHeaders(quota: CallQuota): Record<string, string> {
  const { policy, limit, windowSeconds, remaining, resetSeconds } = quota;
  return {
    'ratelimit-policy': `"${policy}";q=${limit};w=${windowSeconds}`,
    ratelimit: `"${policy}";r=${remaining};t=${resetSeconds}`,
  };
}

/** Returns the headers of a problem response. */
export function problemHeaders(problem: ProblemResponse): Record<string, string> {
  return {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    ...(problem.retry_after_seconds === undefined ? {} : { 'retry-after': String(problem.retry_after_seconds) }),
    ...(problem.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  };
}

function problem(code: ErrorCode, detail: string, requestId: string, retryAfterSeconds?: number): ProblemResponse {
  return {
    type: `urn:cufflink:error:${code}`,
    title: code.toLowerCase().replaceAll('_', ' '),
    status: errorStatuses[code],
    detail,
    code,
    act: errorActors[code],
    request_id: requestId,
    ...(retryAfterSeconds === undefined ? {} : { retry_after_seconds: retryAfterSeconds }),
  };
}

/** Returns the reason why a request was rejected before any of our code saw it. Never quotes the request. */
function unreadable(error: unknown, status: number): string {
  if (status === 405) {
    return 'This call does not support HEAD, which would do the work of GET without showing the result. Send GET.';
  }
  if (status === 413) {
    return 'The body is too large. Send a smaller one.';
  }
  if (status === 415) {
    return (
      'This call does not accept a body of this content type. Send JSON as "Content-Type: application/json". Callbacks and pages accept ' +
      'only forms, as "Content-Type: application/x-www-form-urlencoded".'
    );
  }
  return error instanceof HttpException
    ? 'The body cannot be read: it is not valid JSON, or its length does not match the headers. Correct it.'
    : 'The request cannot be read: its URL or a header is malformed. Correct it.';
}

/** The status of an error that Nest or Fastify raised about the request itself, such as a body that is not JSON. */
function clientErrorStatus(error: unknown): number | undefined {
  const status =
    error instanceof HttpException
      ? error.getStatus()
      : error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
        ? error.statusCode
        : undefined;
  return status !== undefined && status >= 400 && status < 500 ? status : undefined;
}
