import type { ConsentOptions } from './consent.js';
import { request } from './request.js';

/** A form as a browser would submit it. */
export interface SubmittedForm {
  readonly action: string;
  readonly fields: Record<string, string>;
}

/**
 * Gives or denies consent at a fake whose answer is a form, as a browser without JavaScript does.
 *
 * @returns what a press of "Continue" would post to the application
 * @throws Error when a page holds no form, or the last one no "Continue"
 */
export async function consentByForm(linkWebUrl: string, options: ConsentOptions = {}): Promise<SubmittedForm> {
  const asked = readForm(await read(linkWebUrl));
  const account = options.account ?? asked.fields['account'] ?? '';
  const body = new URLSearchParams({ ...asked.fields, account, decision: options.decision ?? 'approve' });
  for (const scope of options.scopes ?? []) {
    body.append('scope', scope);
  }
  if (options.scopes === undefined) {
    body.delete('scope');
  }
  const response = await read(new URL(asked.action, linkWebUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: body.toString(),
  });
  if (!response.includes('<button type="submit">Continue</button>')) {
    throw new Error(`The consent form was not answered with a form to continue: ${response.slice(0, 300)}`);
  }
  return readForm(response);
}

/** Reads the form of a page. Of several fields with one name, such as boxes, the last counts. */
export function readForm(html: string): SubmittedForm {
  const form = /<form method="post" action="([^"]*)"[^>]*>(.*?)<\/form>/s.exec(html);
  if (form?.[1] === undefined || form[2] === undefined) {
    throw new Error(`The page holds no form: ${html.slice(0, 300)}`);
  }
  const inputs = [...form[2].matchAll(/<input\s+type="(?:hidden|text)"\s+name="([^"]*)"\s+value="([^"]*)"/g)];
  const fields = inputs.map(([, name = '', value = '']) => [unescapeHtml(name), unescapeHtml(value)] as const);
  return { action: unescapeHtml(form[1]), fields: Object.fromEntries(fields) };
}

async function read(url: string | URL, options: Parameters<typeof request>[1] = {}): Promise<string> {
  return (await request(url, options)).body.text();
}

function unescapeHtml(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
