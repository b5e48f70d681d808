import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Makes an id without a caller's part. */
export function newRequestId(): string {
  return randomUUID();
}

/**
 * Names a request by an id of ours and, after a dot, the caller's `x-request-id`. So the caller's logs and ours can be
 * joined. Log, audit trail and responses have the whole text.
 *
 * The caller's part has no dot, so the part before the first dot is always ours. Nobody can make entries look like
 * those of another request. A caller's id in another form is left out.
 */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  const own = newRequestId();
  return typeof given === 'string' && /^[A-Za-z0-9_-]{8,64}$/.test(given) ? `${own}.${given}` : own;
}
