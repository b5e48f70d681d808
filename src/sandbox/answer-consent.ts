/** What the user does on the consent page. */
export interface ConsentDecision {
  readonly decision?: 'approve' | 'deny';
  /** The account at the maker; the page's own default when absent. */
  readonly accountId?: string;
  /** Scopes to leave ticked, where the maker lets the user pick; all when absent. */
  readonly scopes?: readonly string[];
}

/**
 * Opens a fake's authorize URL and submits the consent form, as a browser would, for tests and scripts.
 *
 * @param authorizeUrl - as the application made it
 * @returns the URL on which the browser lands at the application
 * @throws Error when the maker shows no consent page, or refuses the form
 */
export async function answerConsent(authorizeUrl: string, user: ConsentDecision = {}): Promise<URL> {
  const opened = await fetch(authorizeUrl, { redirect: 'manual' });
  const redirected = opened.headers.get('location');
  if (redirected !== null) {
    await opened.body?.cancel();
    return new URL(redirected);
  }
  const html = await opened.text();
  const request = /name="request" value="([^"]+)"/.exec(html)?.[1];
  const action = /<form method="post" action="([^"]+)"/.exec(html)?.[1];
  if (opened.status !== 200 || request === undefined || action === undefined) {
    throw new Error(`No consent page: HTTP ${opened.status} ${/<p>(.*?)<\/p>/s.exec(html)?.[1] ?? ''}`);
  }
  const form = new URLSearchParams({ request, decision: user.decision ?? 'approve' });
  if (user.accountId !== undefined) {
    form.set('account', user.accountId);
  }
  for (const scope of user.scopes ?? []) {
    form.append('scope', scope);
  }
  const answered = await fetch(new URL(action, authorizeUrl), { method: 'POST', body: form, redirect: 'manual' });
  const location = answered.headers.get('location');
  if (answered.status !== 302 || location === null) {
    throw new Error(`The consent was not accepted: HTTP ${answered.status} ${await answered.text()}`);
  }
  await answered.body?.cancel();
  return new URL(location);
}
