import { describe, expect, it } from '@jest/globals';
import { isDenial } from './denial.js';
import type { OAuth1Definition, OAuth2Definition } from '../definition/provider-definition.js';
import { usedCallbackParameters } from './used-callback-parameters.js';

const oauth2 = { oauth: '2.0', grantedScopesIn: 'token-response' } as OAuth2Definition;

describe('the parameters of a callback that are used', () => {
  it.each([
    [oauth2, ['code', 'error', 'iss', 'state']],
    [{ ...oauth2, grantedScopesIn: 'callback' }, ['code', 'error', 'iss', 'scope', 'state']],
    [{ ...oauth2, codeParameters: ['code', 'auth_code'] }, ['auth_code', 'code', 'error', 'iss', 'state']],
    [
      { oauth: '1.0a' } as OAuth1Definition,
      ['denied', 'error', 'oauth_problem', 'oauth_token', 'oauth_verifier', 'state'],
    ],
    [undefined, ['state']],
  ] as const)('are those that the definition %j gives a meaning (AR-14)', (definition, names) => {
    expect([...usedCallbackParameters(definition)].sort()).toEqual(names);
  });
});

describe('a denial', () => {
  it.each([
    ...['access_denied', 'Access_Denied', 'ACCESS-DENIED', 'accessDenied', 'access denied', 'denied', 'cancelled'],
    ...[
      'user_denied',
      'user_refused',
      'user_cancelled_login',
      'user_cancelled_authorize',
      'user_canceled',
      'user_cancel',
    ],
    ...['permission_denied', 'consent_denied', 'consent_declined', 'authorization_denied', 'authorisation_rejected'],
  ])('may be spelled %s (AR-13)', (error) => {
    expect(isDenial(error)).toBe(true);
  });

  it.each([
    ...['', 'server_error', 'invalid_request', 'unauthorized_client', 'consent_required', 'login_required'],
    ...[
      'token_rejected',
      'permission_unknown',
      'consumer_key_refused',
      'timestamp_refused',
      'client_access_denied',
      '%',
    ],
  ])('is not spelled %j (AR-13)', (error) => {
    expect(isDenial(error)).toBe(false);
  });
});
