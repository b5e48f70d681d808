import { Agent, request as send } from 'undici';

/**
 * A connection for each request. A machine that stands still for seconds closes idle connections when it goes on, and
 * a request that is written to one at that moment fails with ECONNRESET.
 */
const connections = new Agent({ pipelining: 0 });

/** Sends one HTTP request, as `request` of undici does. Redirects are not followed. */
export function request(
  url: string | URL,
  options: Omit<NonNullable<Parameters<typeof send>[1]>, 'dispatcher'> = {},
): ReturnType<typeof send> {
  return send(url, { ...options, dispatcher: connections });
}
