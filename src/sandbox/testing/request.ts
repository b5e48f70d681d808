import { Agent, request as send } from 'undici';

/**
 * Opens a connection for each request. After a stall of the machine for seconds, a server first closes its idle
 * connections. A request on one of them fails with ECONNRESET.
 */
const connections = new Agent({ pipelining: 0 });

/** Sends one HTTP request, as `request` of undici does. Redirects are not followed. */
export function request(
  url: string | URL,
  options: Omit<NonNullable<Parameters<typeof send>[1]>, 'dispatcher'> = {},
): ReturnType<typeof send> {
  return send(url, { ...options, dispatcher: connections });
}
