import type { FastifyRequest } from 'fastify';
import type { Requester } from '../audit/audit-event.js';
import type { Caller } from './caller.js';

/** A request whose caller is known. Set on every route that is not public. */
export interface AuthenticatedRequest extends FastifyRequest {
  caller?: Caller;
  /** Set when the call was counted for its address. */
  isCounted?: true;
}

/** Returns the token in `Authorization: Bearer` of a request. */
export function bearerTokenOf({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** Returns the sender of a request, for the audit trail. */
export function requesterOf({ caller, id, callerAddress }: AuthenticatedRequest): Requester {
  return { actor: caller?.actor ?? 'unknown', requestId: id, address: callerAddress };
}

/** Returns a browser as the sender of a request, for the audit trail. */
export function browserOf({ id, callerAddress }: FastifyRequest): Requester {
  return { actor: 'browser', requestId: id, address: callerAddress };
}
