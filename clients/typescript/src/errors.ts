import type { components } from './generated/api.js';

/** The body of an error of Cufflink (RFC 9457). */
export type Problem = components['schemas']['Problem'];

/**
 * Codes of errors: those of docs/errors.md, and two of the client.
 *
 * - `NO_RESPONSE`: Cufflink could not be reached, or did not respond in time. The call may have been carried out.
 * - `RESPONSE_UNREADABLE`: something between here and Cufflink responded with an error of its own.
 */
export type ErrorCode = Problem['code'] | 'NO_RESPONSE' | 'RESPONSE_UNREADABLE';

/** The party that must act before the same call can succeed. */
export type ErrorActor = Problem['act'];

/** The same in every copy of this package, as an ES module and as CommonJS. */
const brand = Symbol.for('@cufflink/client/error');

/** An error of a call. Branch on {@link code}; the message may change. */
export class CufflinkError extends Error {
  override readonly name = 'CufflinkError';
  readonly [brand] = true;
  readonly code: ErrorCode;
  /** The party that must act: your code, the user, the operator of Cufflink, the provider, or Cufflink (`us`). */
  readonly act: ErrorActor;
  /** The HTTP status; `undefined` without a response. */
  readonly status: number | undefined;
  /** Finds the log line and the audit entries at Cufflink. */
  readonly requestId: string | undefined;
  /** When a later try can help. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    message: string,
    facts: {
      readonly code: ErrorCode;
      readonly act: ErrorActor;
      readonly status?: number | undefined;
      readonly requestId?: string | undefined;
      readonly retryAfterSeconds?: number | undefined;
    },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = facts.code;
    this.act = facts.act;
    this.status = facts.status;
    this.requestId = facts.requestId;
    this.retryAfterSeconds = facts.retryAfterSeconds;
  }

  /** Tells whether a value is an error of a call and, if codes are given, has one of them. */
  static is<Code extends ErrorCode = ErrorCode>(
    error: unknown,
    ...codes: readonly Code[]
  ): error is CufflinkError & { readonly code: Code } {
    const isOurs = typeof error === 'object' && error !== null && brand in error;
    return isOurs && (codes.length === 0 || (codes as readonly string[]).includes((error as CufflinkError).code));
  }
}

/** Reads the error of a response that is not a success. Takes its body. */
export async function readError(response: Response): Promise<CufflinkError> {
  const { status } = response;
  const requestId = response.headers.get('x-request-id') ?? undefined;
  const problem: unknown = await response.json().catch(() => undefined);
  if (!isProblem(problem)) {
    const message = `HTTP ${status} without an error of Cufflink. A server between here and Cufflink may have sent it.`;
    const retryAfterSeconds = Number(response.headers.get('retry-after')) || undefined;
    return new CufflinkError(message, {
      code: 'RESPONSE_UNREADABLE',
      act: 'operator',
      status,
      requestId,
      retryAfterSeconds,
    });
  }
  return new CufflinkError(problem.detail, {
    code: problem.code,
    act: problem.act,
    status,
    requestId: problem.request_id,
    retryAfterSeconds: problem.retry_after_seconds,
  });
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'code' in value && 'detail' in value && 'act' in value;
}
