import { html } from '../../web/html.js';
import type { FakeResponse } from '../http/fake-response.js';
import { pageResponse } from './page-response.js';

/**
 * Shows the form that sends the response to the application (OAuth 2.0 Form Post Response Mode). The person presses its
 * button, because the page has no script.
 */
export function formPostPage(action: string, fields: Readonly<Record<string, string | undefined>>): FakeResponse {
  const title = 'Back to the application';
  const inputs = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [html`<input type="hidden" name="${name}" value="${value}" />`],
  );
  const content = html`<h1>${title}</h1>
    <form method="post" action="${action}">${inputs}<button type="submit">Continue</button></form>`;
  return pageResponse({ title, content });
}
