import { html } from '../../web/html.js';
import type { FakeResponse } from '../http/fake-response.js';
import { pageResponse } from './page-response.js';

/** Shows a mistake that must not be redirected to the application. */
export function errorPage(status: number, message: string): FakeResponse {
  const title = 'This request is not accepted';
  const content = html`<h1>${title}</h1>
    <p role="alert">${message}</p>`;
  return pageResponse({ status, title, content });
}
