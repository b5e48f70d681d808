import { createHmac, randomUUID } from 'node:crypto';
import type { OAuth2SandboxDefinition, SandboxEndpointCall } from '../../provider-kit/definition/sandbox-definition.js';
import { withingsSandboxNotification } from './withings.sandbox-notification.js';
import { withingsSandboxSubscriptions } from './withings.sandbox-subscriptions.js';

/**
 * Withings Public Health Data API as the provider's developer guide and API reference describe it.
 *
 * Milder than Withings: a used refresh token gets the same response again until a new token is used, without the end
 * after 8 hours.
 *
 * Assumed:
 * - Every mistake in a request gets status 503. A dead code or refresh token gets the text in `error` that other code
 *   meets; 401 is reported as well.
 * - PKCE parameters are ignored.
 * - The old access token stays valid after a refresh.
 * - A signature covers action, client_id and nonce or timestamp. The client secret is refused beside a signature.
 * - A timestamp may be 5 minutes off.
 *
 * Errors of the API come with their own HTTP status here; Withings sends 200.
 */
export const withingsSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth2_user/authorize2',
  tokenPath: '/v2/oauth2',
  tokenParams: { action: 'requesttoken' },
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ',',
  scopes: ['user.info', 'user.metrics', 'user.activity', 'user.sleepevents'],
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 30,
  accessTokenLifetimeSeconds: 10_800,
  rotation: 'always',
  reuse: 'error',
  replaysRefreshUntilNewTokenUsed: true,
  oldAccessTokenDiesOnRefresh: false,
  tokenType: 'Bearer',
  tokenResponse: (standard, accountId) => ({
    status: 0,
    body: { userid: Number(accountId), ...standard, csrf_token: 'not-a-real-csrf-token' },
  }),
  errorStatus: 200,
  errorResponse: (error, description) => ({ status: statusOf(error), body: {}, error: textOf(error, description) }),
  apiBasePath: '',
  apiPath: '/v2/measure',
  endpoints: [
    ...withingsSandboxSubscriptions,
    {
      method: 'POST',
      path: '/v2/signature',
      respond: (call) => {
        const { action = '', client_id = '', timestamp = '' } = call.form;
        const isRecent = Math.abs(Number(timestamp) * 1000 - call.nowMs) <= 300_000;
        if (action !== 'getnonce' || !isRecent || !isSignedByClient(call, [action, client_id, timestamp])) {
          return refusal;
        }
        const nonce = `${call.nowMs + 1_800_000}-${randomUUID()}`;
        call.remember(`nonce:${nonce}`);
        return { status: 200, json: { status: 0, body: { nonce } } };
      },
    },
    {
      method: 'POST',
      path: '/v2/oauth2',
      respond: (call) => {
        const { action = '', client_id = '', nonce = '', userid = '' } = call.form;
        // 30 minutes, once.
        const isFresh = call.has(`nonce:${nonce}`) && Number.parseInt(nonce, 10) > call.nowMs;
        call.forget(`nonce:${nonce}`);
        if (action !== 'revoke' || !isFresh || userid === '' || !isSignedByClient(call, [action, client_id, nonce])) {
          return refusal;
        }
        call.endGrants(userid);
        return { status: 200, json: { status: 0, body: {} } };
      },
    },
  ],
  notify: withingsSandboxNotification,
};

const refusal = { status: 200, json: { status: 503, body: {}, error: 'Invalid Params' } };

/** @param values - of the signed parameters, in the order of their names */
function isSignedByClient(call: SandboxEndpointCall, values: readonly string[]): boolean {
  const { client_id, client_secret, signature } = call.form;
  const expected = createHmac('sha256', call.clientSecret).update(values.join(',')).digest('hex');
  return client_id === call.clientId && client_secret === undefined && signature === expected;
}

function statusOf(error: string): number {
  return error === 'invalid_token' ? 401 : 503;
}

function textOf(error: string, description: string): string {
  if (error !== 'invalid_grant') {
    return description;
  }
  return `Invalid Params: invalid ${description.startsWith('the code') ? 'code' : 'refresh_token'}`;
}
