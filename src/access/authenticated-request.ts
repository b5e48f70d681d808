import type { FastifyRequest } from 'fastify';
import type { Requester } from '../audit/audit-event.js';
import type { Caller } from './caller.js';

/** A request whose caller is known. Set on every route that is not public. */
export interface AuthenticatedRequest extends FastifyRequest {
  caller?: Caller;
  /** Set when the call was counted for its address. */
  isCounted?: true;
}

/** Returns what a request has in `Authorization: Bearer`. */
export function bearerTokenOf({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** Says who sent a request, for the audit trail. */
export function requesterOf({ caller, id, callerAddress }: AuthenticatedRequest): Requester {
  return { actor: caller?.actor ?? 'unknown', requestId: id, address: callerAddress };
}

/** Says that a browser sent a request, for the audit trail. */
export function browserOf({ id, callerAddress }: FastifyRequest): Requester {
  return { actor: 'browser', requestId: id, address: callerAddress };
}
