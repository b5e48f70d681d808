import { randomBytes } from 'node:crypto';

/** Requests of one kind, of which a caller sends as many as it can. */
export interface CostlyRequest {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  /** Returns the credentials of one request; absent for requests with a valid API key. */
  readonly makeToken?: () => string;
  /** Whether all requests come from one address, which is over its limit, instead of many. */
  readonly isOverLimit?: boolean;
}

/**
 * Returns the most expensive requests.
 *
 * @param size - how many elements the largest bodies have
 * @param forgeToken - returns a user token whose signature is wrong
 */
export function costlyRequests(size: number, forgeToken: () => string): CostlyRequest[] {
  const link = '/v1/users/user-0/connections/strava/link';
  const nested = (open: string, close: string, levels: number): string => open.repeat(levels) + close.repeat(levels);
  const pages = ['/health/live', '/docs', '/docs-json', '/docs-yaml'];
  const scripts = ['/docs/swagger-ui-init.js', '/docs/swagger-ui-bundle.js'];
  const connections = { method: 'GET', path: '/v1/users/user-0/connections' } as const;
  return [
    ...[...pages, ...scripts, '/v1/providers'].map((path) => ({ name: path, method: 'GET', path }) as const),
    { name: 'no such call', method: 'GET', path: '/nothing' },
    {
      name: 'link, deep JSON',
      method: 'POST',
      path: link,
      body: `{"return_url":${nested('{"":', '}', Math.floor((size * 13) / 16)).replace(':}', ':0}')}}`,
    },
    {
      name: 'link, 2000 levels',
      method: 'POST',
      path: link,
      body: `{"return_url":${nested('[', ']', 1_999)}}`,
    },
    {
      name: 'link, wide JSON',
      method: 'POST',
      path: link,
      body: `{"scopes":[${Array.from({ length: size }, () => '{}').join(',')}]}`,
    },
    {
      name: 'callback, many JSON keys',
      method: 'POST',
      path: '/v1/oauth/strava/callback',
      body: `{"constructor":1,${Array.from({ length: Math.floor(size / 3) }, (_, index) => `"${index}":1`).join(',')}}`,
    },
    { name: 'random API keys', ...connections, makeToken: inventKey },
    { name: 'random API keys, over the limit', ...connections, makeToken: inventKey, isOverLimit: true },
    { name: 'forged user tokens', ...connections, makeToken: forgeToken },
    { name: 'forged user tokens, over the limit', ...connections, makeToken: forgeToken, isOverLimit: true },
  ];
}

/** Returns a well-formed API key that does not exist. */
function inventKey(): string {
  return `cuff_${randomBytes(9).toString('hex')}_${randomBytes(32).toString('base64url')}`;
}
