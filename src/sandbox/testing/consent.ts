import { request } from './request.js';

/** The sandbox proposes a new account for each consent, but the user of these tests has one. */
const usualAccount = '1001';

/** What the user does on a provider's consent page. */
export interface ConsentOptions {
  readonly decision?: 'approve' | 'deny';
  /** Account at the provider, digits; the same one for everybody if absent. */
  readonly account?: string;
  /** Scopes left ticked, where the page has boxes; all of them when absent. */
  readonly scopes?: readonly string[];
}

/**
 * Opens the authorisation URL, fills the consent form in and sends it, as a browser without JavaScript does.
 *
 * @returns the URL that the provider sends the browser back to; where the provider responds with a form to be posted
 *   there (form_post), the form's fields are the query
 */
export async function consent(linkWebUrl: string, options: ConsentOptions = {}): Promise<URL> {
  // A web app reads its parameters from the fragment, behind a route; the fake takes them as a query too.
  const page = await request(linkWebUrl.replace(/#\/[^?]*\?/, '?'));
  const html = await page.body.text();
  const action = attribute(/<form[^>]*>/i.exec(html)?.[0] ?? '', 'action');
  if (page.statusCode !== 200 || action === undefined) {
    const refusal =
      typeof page.headers['location'] === 'string' ? new URL(page.headers['location'], linkWebUrl).search : '';
    throw new Error(`The provider shows no consent form but HTTP ${page.statusCode}: ${refusal}${html.slice(0, 300)}`);
  }
  const form = new URLSearchParams();
  for (const [input] of html.matchAll(/<input[^>]*>/gi)) {
    const name = attribute(input, 'name');
    const value = attribute(input, 'value') ?? '';
    const isBox = attribute(input, 'type') === 'checkbox';
    if (name === undefined || (isBox && options.scopes !== undefined && !options.scopes.includes(value))) {
      continue;
    }
    form.append(name, name === 'account' ? (options.account ?? usualAccount) : value);
  }
  form.append('decision', options.decision ?? 'approve');
  const response = await request(new URL(action, linkWebUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  });
  const nextPage = await response.body.text();
  const location = response.headers['location'] ?? postedForm(nextPage);
  if (typeof location !== 'string') {
    throw new Error(`The consent form got HTTP ${response.statusCode} and no redirect.`);
  }
  return new URL(location);
}

/** The target of a form that posts to an absolute URL, with its hidden fields as the query. */
function postedForm(html: string): string | undefined {
  const action = attribute(/<form[^>]*>/i.exec(html)?.[0] ?? '', 'action');
  if (action === undefined || !URL.canParse(action)) {
    return undefined;
  }
  const url = new URL(action);
  for (const [input] of html.matchAll(/<input[^>]*>/gi)) {
    url.searchParams.append(attribute(input, 'name') ?? '', attribute(input, 'value') ?? '');
  }
  return url.href;
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`, 'i').exec(tag)?.[1];
  return value
    ?.replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
