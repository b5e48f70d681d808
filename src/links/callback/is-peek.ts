import type { FastifyRequest } from 'fastify';

/**
 * Tells whether a request only looks: HEAD, which link scanners send, or a prefetch of a browser. A safe method must
 * not use anything up (RFC 9110 section 9.2.1). Browsers announce a prefetch by `Sec-Purpose` (Fetch standard), or by
 * older headers.
 */
export function isPeek({ method, headers }: Pick<FastifyRequest, 'method' | 'headers'>): boolean {
  const purposes = [headers['sec-purpose'], headers['purpose'], headers['x-moz']].join();
  return method === 'HEAD' || /prefetch|prerender/i.test(purposes);
}
