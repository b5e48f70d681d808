import { request } from './request.js';

/** The sandbox proposes a new account for each consent, but the user of these tests has one. */
const usualAccount = '1001';

/** The user's choices on a provider's consent page. */
export interface ConsentOptions {
  readonly decision?: 'approve' | 'deny';
  /** Account at the provider, in digits; the same one for everybody if absent. */
  readonly account?: string;
  /** Ticked scopes, if the page has boxes; all of them when absent. */
  readonly scopes?: readonly string[];
}

/** The form of a page, with the fields that a press of its button sends. */
export interface PageForm {
  readonly action: string;
  readonly fields: readonly FormInput[];
}

interface FormInput {
  readonly name: string;
  readonly value: string;
  readonly isBox: boolean;
}

/**
 * Opens the authorization URL, fills in the consent form and sends it, as a browser without JavaScript does.
 *
 * @returns the URL to which the provider sends the browser back. Some providers respond with a form to be posted there
 *   (form_post); the form's fields are then the query.
 */
export async function consent(linkWebUrl: string, options: ConsentOptions = {}): Promise<URL> {
  const { statusCode, location, html } = await decide(linkWebUrl, options);
  if (location !== undefined) {
    return new URL(location);
  }
  const form = findForm(html);
  if (form === undefined || !URL.canParse(form.action)) {
    throw new Error(`The consent form got HTTP ${statusCode} and no redirect.`);
  }
  const url = new URL(form.action);
  form.fields.forEach(({ name, value }) => url.searchParams.append(name, value));
  return url;
}

/**
 * Like {@link consent}, at a provider that responds with a form to be posted to the redirect URI (form_post).
 *
 * @returns the form that a press of "Continue" would post
 * @throws Error when the response has no form with "Continue"
 */
export async function consentByForm(linkWebUrl: string, options: ConsentOptions = {}): Promise<PageForm> {
  const { html } = await decide(linkWebUrl, options);
  if (!html.includes('<button type="submit">Continue</button>')) {
    throw new Error(`The consent form got no form to continue: ${html.slice(0, 300)}`);
  }
  return readForm(html);
}

/**
 * Reads the first form of a page.
 *
 * @throws Error when the page has none
 */
export function readForm(html: string): PageForm {
  const form = findForm(html);
  if (form === undefined) {
    throw new Error(`The page holds no form: ${html.slice(0, 300)}`);
  }
  return form;
}

/** The names and values of a form's fields. */
export function fieldsOf({ fields }: PageForm): Record<string, string> {
  return Object.fromEntries(fields.map(({ name, value }) => [name, value]));
}

async function decide(
  linkWebUrl: string,
  { account = usualAccount, decision = 'approve', scopes }: ConsentOptions,
): Promise<{ statusCode: number; location: string | undefined; html: string }> {
  // A web app reads its parameters from the fragment, after a route; the fake also takes them as a query.
  const page = await request(linkWebUrl.replace(/#\/[^?]*\?/, '?'));
  const html = await page.body.text();
  const form = findForm(html);
  if (page.statusCode !== 200 || form === undefined) {
    const refusal =
      typeof page.headers['location'] === 'string' ? new URL(page.headers['location'], linkWebUrl).search : '';
    throw new Error(`The provider shows no consent form but HTTP ${page.statusCode}: ${refusal}${html.slice(0, 300)}`);
  }
  const body = new URLSearchParams();
  for (const { name, value, isBox } of form.fields) {
    if (!isBox || scopes === undefined || scopes.includes(value)) {
      body.append(name, name === 'account' ? account : value);
    }
  }
  body.append('decision', decision);
  const response = await request(new URL(form.action, linkWebUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: body.toString(),
  });
  const { location } = response.headers;
  return {
    statusCode: response.statusCode,
    location: typeof location === 'string' ? location : undefined,
    html: await response.body.text(),
  };
}

function findForm(html: string): PageForm | undefined {
  const action = attribute(/<form[^>]*>/i.exec(html)?.[0] ?? '', 'action');
  if (action === undefined) {
    return undefined;
  }
  const fields = [...html.matchAll(/<input[^>]*>/gi)].flatMap(([input]) => {
    const name = attribute(input, 'name');
    const value = attribute(input, 'value') ?? '';
    return name === undefined ? [] : [{ name, value, isBox: attribute(input, 'type') === 'checkbox' }];
  });
  return { action, fields };
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
