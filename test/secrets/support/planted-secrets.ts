import { randomBytes } from 'node:crypto';

/** Texts that stand for secrets nobody issued: a caller or a provider sends them where they do not belong. */
export const planted = {
  accessToken: canary('access-token'),
  code: canary('code'),
  verifier: canary('verifier'),
  state: canary('state'),
  errorDescription: canary('error-description'),
  providerBody: canary('provider-body'),
  providerHeader: canary('provider-header'),
  providerToken: canary('provider-token'),
  apiKey: `cuff_${randomBytes(9).toString('hex')}_${randomBytes(32).toString('base64url')}`,
};

/**
 * A query of a service to a provider, which is between the two. It stands in the provider's URL, as it should.
 */
export const asked = canary('asked');

/** How token responses go wrong. */
export const failures = [
  { type: 'echoSecret', error: 'invalid_grant', status: 400 },
  { type: 'echoSecret', error: 'server_error', status: 500 },
  { type: 'echoSecret', error: planted.providerToken, status: 401 },
  { type: 'error', error: 'invalid_client', status: 401 },
  { type: 'errorIn200', error: 'invalid_grant' },
  { type: 'html' },
  { type: 'emptyBody' },
  { type: 'drop' },
  { type: 'drop', processed: true },
  { type: 'redirect', status: 302, location: `https://provider.example/?access_token=${planted.providerToken}` },
  { type: 'hugeBody', bytes: 1_100_000 },
  { type: 'gzipBomb', bytes: 1_100_000 },
  status(500, `<html>${planted.providerBody}</html>`, 'text/html'),
  status(429, planted.providerBody),
  status(400, JSON.stringify({ error: planted.providerToken, error_description: planted.providerBody })),
  status(401, `oauth_problem=${planted.providerToken}&oauth_problem_advice=${planted.providerBody}`),
  status(200, JSON.stringify({ access_token: [planted.providerToken], token_type: planted.providerToken })),
  status(200, JSON.stringify({ access_token: planted.providerToken, token_type: planted.providerBody })),
  status(200, `oauth_token=${planted.providerToken}&oauth_callback_confirmed=true`),
] as const;

/** How the fields of a token response go wrong. */
export const tokenFieldFailures = [
  { type: 'omitExpiresIn' },
  { type: 'expiresIn', value: planted.providerBody },
  { type: 'badTokenType', value: planted.providerToken },
  { type: 'omitRefreshToken' },
  { type: 'emptyRefreshToken' },
] as const;

/** Returns a text that occurs nowhere else. */
export function canary(name: string): string {
  return `canary-${name}-${randomBytes(12).toString('hex')}`;
}

function status(code: number, body: string, contentType = 'application/json') {
  const headers = {
    'WWW-Authenticate': `Bearer error_description="${planted.providerHeader}"`,
    'Retry-After': '1',
    'X-Trace': planted.providerHeader,
  };
  return { type: 'status', code, body, contentType, headers } as const;
}
