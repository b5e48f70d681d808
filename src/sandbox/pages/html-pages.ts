import { createHash } from 'node:crypto';
import type { FakeResponse } from '../http/fake-response.js';

const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem}' +
  'button{font:inherit;padding:.4rem 1rem;margin:1rem .5rem 0 0}label{display:block;margin:.3rem 0}';

const styleHash = createHash('sha256').update(style).digest('base64');

// form-action cannot name one origin: browsers apply it to the redirects that follow the form as well.
const contentSecurityPolicy = `default-src 'none'; style-src 'sha256-${styleHash}'; form-action http: https:; base-uri 'none'; frame-ancestors 'none'`;

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes text for HTML content and quoted attributes. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => escapes[character] ?? character);
}

function page(status: number, title: string, body: string): FakeResponse {
  const text =
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title>` +
    `<style>${style}</style></head><body>\n<h1>${escapeHtml(title)}</h1>\n${body}\n</body></html>\n`;
  return {
    status,
    headers: { 'Content-Security-Policy': contentSecurityPolicy, 'Referrer-Policy': 'no-referrer' },
    content: { text, type: 'text/html; charset=utf-8' },
  };
}

/** A page for a mistake that must not be redirected to the application. */
export function errorPage(status: number, message: string): FakeResponse {
  return page(status, 'This request is not accepted', `<p>${escapeHtml(message)}</p>`);
}

/** What the consent page shows. */
export interface ConsentPage {
  readonly slug: string;
  readonly requestId: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly userPicksScopes: boolean;
}

/** The page on which the user approves or denies; a plain form, for browsers without JavaScript and for scripts. */
export function consentPage(consent: ConsentPage): FakeResponse {
  const scopes = consent.scopes.map((scope) =>
    consent.userPicksScopes
      ? `<label><input type="checkbox" name="scope" value="${escapeHtml(scope)}" checked> ${escapeHtml(scope)}</label>`
      : `<li>${escapeHtml(scope)}</li>`,
  );
  const list = consent.userPicksScopes
    ? `<input type="hidden" name="scope" value="">${scopes.join('\n')}`
    : `<ul>${scopes.join('')}</ul>`;
  return page(
    200,
    `Sandbox: ${consent.slug}`,
    `<p>This is a fake provider. <strong>${escapeHtml(consent.clientId)}</strong> asks for access to an account.</p>
<form method="post" action="/${escapeHtml(consent.slug)}/_consent">
<input type="hidden" name="request" value="${escapeHtml(consent.requestId)}">
<label>Account number at the provider <input type="text" name="account" value="1001" inputmode="numeric"></label>
${scopes.length === 0 ? '' : list}
<button type="submit" name="decision" value="approve">Approve</button>
<button type="submit" name="decision" value="deny">Deny</button>
</form>`,
  );
}

/** The page whose form carries the response to the application (OAuth 2.0 Form Post Response Mode); sent by a press of the button. */
export function formPostPage(action: string, fields: Readonly<Record<string, string | undefined>>): FakeResponse {
  const inputs = Object.entries(fields).map(([name, value]) =>
    value === undefined ? '' : `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">\n`,
  );
  return page(
    200,
    'Back to the application',
    `<form method="post" action="${escapeHtml(action)}">\n${inputs.join('')}<button type="submit">Continue</button>\n</form>`,
  );
}

/** The list of providers. */
export function indexPage(
  providers: readonly { readonly slug: string; readonly url: string; readonly oauth: string }[],
): FakeResponse {
  const rows = providers.map(
    ({ slug, url, oauth }) =>
      `<li><strong>${escapeHtml(slug)}</strong> (OAuth ${escapeHtml(oauth)}): <code>${escapeHtml(url)}</code></li>`,
  );
  return page(
    200,
    'Vendor sandbox',
    `<p>Fake providers for development and tests.</p>\n<ul>\n${rows.join('\n')}\n</ul>`,
  );
}
