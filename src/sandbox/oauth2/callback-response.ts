import { appendQuery, redirect, type FakeResponse } from '../http/fake-response.js';
import { formPostPage } from '../pages/form-post-page.js';

/**
 * Sends the browser back to the application.
 *
 * @param mode - `redirect`: the fields in the query; `form_post`: in a form that the browser posts
 * @param fields - absent ones are left out
 * @see OAuth 2.0 Form Post Response Mode, https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html
 */
export function callbackResponse(
  mode: 'redirect' | 'form_post',
  redirectUri: string,
  fields: Readonly<Record<string, string | undefined>>,
): FakeResponse {
  return mode === 'form_post' ? formPostPage(redirectUri, fields) : redirect(appendQuery(redirectUri, fields));
}
