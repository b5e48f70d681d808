import type { FastifyRequest } from 'fastify';

/**
 * Tells whether a request only looks: HEAD, which link scanners send, or one that a browser makes ahead of the visit. A
 * safe method must not use anything up (RFC 9110 section 9.2.1; `Sec-Purpose` of the Fetch standard, and the headers
 * that browsers sent before it).
 */
export function isPeek({ method, headers }: Pick<FastifyRequest, 'method' | 'headers'>): boolean {
  const purposes = [headers['sec-purpose'], headers['purpose'], headers['x-moz']].join();
  return method === 'HEAD' || /prefetch|prerender/i.test(purposes);
}
