import { createHash } from 'node:crypto';

const style =
  'body{font-family:system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem}' +
  'button{display:block;width:100%;margin:.5rem 0;padding:.8rem;font-size:1rem;text-align:left}';

/** A choice on the page: one button. */
export interface OfferedProvider {
  readonly slug: string;
  readonly displayName: string;
}

/**
 * Returns the headers of every page: nothing is loaded, run, framed or kept.
 *
 * With the policy `no-referrer` a browser would send `Origin: null` with our own forms (Fetch standard, "append a
 * request Origin header"). With `strict-origin` it sends our origin, and the Referer has no path: a link token is in
 * the query of a page.
 *
 * `form-action` names schemes and not hosts because browsers apply it to every redirect that follows a form, and a
 * provider's sign-in may lead anywhere.
 *
 * @param plainHttp - whether providers may have plain http, as the vendor sandbox has
 */
export function pageHeaders(plainHttp: boolean): Record<string, string> {
  const styleHash = createHash('sha256').update(style).digest('base64');
  const formAction = `form-action 'self' https:${plainHttp ? ' http:' : ''}`;
  return {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'strict-origin',
    'x-content-type-options': 'nosniff',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; ${formAction}; base-uri 'none'; frame-ancestors 'none'`,
  };
}

/**
 * The page that a link opens. The session begins with the click: programs that follow links do not press buttons
 * (AR-05).
 */
export function openingPage(token: string): string {
  return page(
    `<p>Continue in the browser where you want to sign in. This link works once.</p>
<form method="post" action="/connect"><input type="hidden" name="link_token" value="${escape(token)}">
<button type="submit">Continue</button></form>`,
  );
}

/**
 * The page with one button a provider.
 *
 * @param handle - of the session that the page acts for
 * @param notices - what the user should know first, if anything
 */
export function choicePage(handle: string, providers: readonly OfferedProvider[], notices: readonly string[]): string {
  const buttons = providers.map(
    ({ slug, displayName }) =>
      `<button type="submit" name="provider" value="${escape(slug)}">${escape(displayName)}</button>`,
  );
  return page(
    `${notices.map((notice) => `<p role="status">${escape(notice)}</p>`).join('\n')}
<p>Choose your device. You will sign in at the device maker and decide what to share.</p>
<form method="post" action="/connect/start"><input type="hidden" name="session" value="${escape(handle)}">
${buttons.join('\n')}
</form>`,
  );
}

/** The page that says that it does not go on. */
export function refusalPage(message: string): string {
  return page(`<p role="alert">${escape(message)}</p>`);
}

function page(content: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Connect a device</title><style>${style}</style></head>
<body><h1>Connect a device</h1>
${content}
</body></html>
`;
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
