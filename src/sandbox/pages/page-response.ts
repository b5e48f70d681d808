import { pageHeaders } from '../../web/page-headers.js';
import { html, type HtmlContent } from '../../web/html.js';
import { renderPage } from '../../web/page.js';
import type { FakeResponse } from '../http/fake-response.js';

/** One page of the sandbox. */
export interface SandboxPage {
  readonly status?: number;
  readonly title: string;
  readonly content: HtmlContent;
  /** A style of this kind of page. A constant. */
  readonly style?: string;
  /** More directives of the Content Security Policy. */
  readonly directives?: readonly string[];
  readonly isWide?: boolean;
}

/** Renders a page with the look of all pages. Its first line says that no real provider is behind it. */
export function pageResponse({ status = 200, directives = [], style = '', ...page }: SandboxPage): FakeResponse {
  const header = html`<p class="muted">Vendor sandbox: this page is a fake, for development and tests</p>`;
  const { 'content-type': type = 'text/html', ...headers } = pageHeaders({ plainHttp: true, style, directives });
  return { status, headers, content: { text: renderPage({ ...page, style, header }), type } };
}
