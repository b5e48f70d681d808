import { createHash } from 'node:crypto';
import type { FakeResponse } from '../http/fake-response.js';

/**
 * The authorization page of a provider whose page is a web app: its parameters are behind a route in the fragment, which no
 * server sees, so a script in the page sends them on as a query.
 *
 * @param route - stands before the parameters: `/` for `#/?client_id=...`
 */
export function fragmentPage(route: string): FakeResponse {
  const start = JSON.stringify(`#${route}?`);
  const script = `const hash=location.hash;if(hash.startsWith(${start}))location.replace('?'+hash.slice(${start}.length))`;
  const hash = createHash('sha256').update(script).digest('base64');
  const policy = `default-src 'none'; script-src 'sha256-${hash}'; base-uri 'none'; frame-ancestors 'none'`;
  const text = `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Authorization</title></head><body><script>${script}</script></body></html>\n`;
  return {
    status: 200,
    headers: { 'Content-Security-Policy': policy, 'Referrer-Policy': 'no-referrer' },
    content: { text, type: 'text/html; charset=utf-8' },
  };
}
