import { createHash } from 'node:crypto';
import { html, trusted } from '../../web/html.js';
import type { FakeResponse } from '../http/fake-response.js';
import { pageResponse } from '../pages/page-response.js';

/**
 * The authorization page of a provider whose page is a web app. Its parameters follow a route in the fragment, which no
 * server sees. So a script in the page sends them on as a query.
 *
 * @param route - precedes the parameters: `/` for `#/?client_id=...`
 */
export function fragmentPage(route: string): FakeResponse {
  const start = JSON.stringify(`#${route}?`);
  const script = `const hash=location.hash;if(hash.startsWith(${start}))location.replace('?'+hash.slice(${start}.length))`;
  const scriptHash = createHash('sha256').update(script).digest('base64');
  const title = 'Authorization';
  // The hash is that of the exact text between the tags.
  const content = html`<h1>${title}</h1>
    ${trusted(`<script>${script}</script>`)}`;
  return pageResponse({ title, content, directives: [`script-src 'sha256-${scriptHash}'`] });
}
