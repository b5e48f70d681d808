import { describe, expect, it } from '@jest/globals';
import type { FakeProvider } from '../../sandbox/fake-provider.js';
import type { Misbehaviour } from '../../sandbox/misbehaviour.js';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import type { TokenResponse } from '../token-response.js';

/** The parts of a provider and its fake that the tests of its responses need. */
export interface ResponseBench {
  readonly fake: () => FakeProvider;
  /** The log's remarks about the responses that were used. */
  readonly remarks: () => readonly string[];
  readonly link: () => Promise<TokenResponse>;
  readonly refresh: (refreshToken: string | undefined) => Promise<TokenResponse>;
  readonly revoke: () => Promise<unknown>;
  readonly findAccount: () => Promise<unknown>;
}

type WithoutEndpoint<Type> = Type extends { endpoint: unknown } ? Omit<Type, 'endpoint'> : never;
type Wrong = WithoutEndpoint<Misbehaviour>;

const problem = '{"title":"Request blocked","detail":"","status":403}';

/** Refusals that are not about the grant: of a firewall, a gateway, a quota. */
const withoutEvidence: readonly (readonly [title: string, wrong: Wrong])[] = [400, 401, 403].flatMap((code) => [
  [`an empty HTTP ${code}`, { type: 'status', code }],
  [`HTTP ${code} with {}`, { type: 'status', code, body: '{}', contentType: 'application/json' }],
  [
    `HTTP ${code} with a problem document`,
    { type: 'status', code, body: problem, contentType: 'application/problem+json' },
  ],
  [
    `HTTP ${code} with a message`,
    { type: 'status', code, body: '{"message":"Forbidden"}', contentType: 'application/json' },
  ],
  [
    `HTTP ${code} with an unknown code`,
    { type: 'status', code, body: '{"error":"too_many_requests"}', contentType: 'application/json' },
  ],
]);

/** Successes without a readable body: nobody knows whether the refresh token is spent. */
const unreadable: readonly (readonly [title: string, wrong: Wrong])[] = [
  ['an HTML page', { type: 'html' }],
  ['nothing', { type: 'emptyBody' }],
  ['HTTP 204', { type: 'status', code: 204 }],
  [
    'JSON that was cut off',
    { type: 'status', code: 200, body: '{"access_token":"not-a-real-t', contentType: 'application/json' },
  ],
  ['more than it should', { type: 'hugeBody', bytes: 1_100_000 }],
  ['a bomb', { type: 'gzipBomb', bytes: 5_000_000 }],
];

/**
 * Runs the contract of every OAuth 2.0 provider for responses that break the rules. Good fields are read, and nothing
 * but evidence ends a grant.
 */
export function describeResponses(definition: OAuth2Definition, bench: ResponseBench): void {
  const documentedLife = definition.neverExpires === true ? undefined : definition.accessTokenLifetimeSeconds;
  const hasRefreshToken = definition.noRefreshToken !== true;
  const refreshesTokens = hasRefreshToken && definition.refreshExtendsToken !== true;

  const refreshWith = async (wrong: Wrong): Promise<TokenResponse> => {
    const { refreshToken } = await bench.link();
    bench.fake().misbehave({ endpoint: 'refresh', ...wrong } as Misbehaviour);
    return bench.refresh(refreshToken);
  };
  const linkWith = async (wrong: Wrong): Promise<TokenResponse> => {
    bench.fake().misbehave({ endpoint: 'token', ...wrong } as Misbehaviour);
    return bench.link();
  };
  /**
   * The token responses of a link and, where a refresh brings tokens, of a refresh, each with the response changed in
   * this way.
   */
  const grantsWith = async (wrong: Wrong): Promise<TokenResponse[]> => [
    await linkWith(wrong),
    ...(refreshesTokens ? [await refreshWith(wrong)] : []),
  ];
  const expectUsable = async (wrong: Wrong, expected: Partial<TokenResponse> = {}): Promise<void> => {
    for (const tokenResponse of await grantsWith(wrong)) {
      expect(bench.fake().isLiveAccessToken(tokenResponse.accessToken)).toBe(true);
      expect({ ...tokenResponse }).toMatchObject(expected);
    }
  };

  describe('responses that break the rules', () => {
    it('finds nothing to remark in the responses that the provider documents (TE-04)', async () => {
      const { refreshToken } = await bench.link();
      if (refreshesTokens) {
        await bench.refresh(refreshToken);
      }
      expect(bench.remarks()).toEqual([]);
    });

    it.each(['text/plain; charset=utf-8', 'text/html', 'text/javascript', 'application/json, application/json'])(
      'reads JSON under the content type %s (TE-04)',
      (value) => expectUsable({ type: 'contentType', value }),
    );

    it.each([null, '', ' ', 'Bearer ', 'BEARER'])('takes token_type %j for bearer (TE-04)', (token_type) =>
      expectUsable({ type: 'fields', values: { token_type } }),
    );

    if (definition.responseDialect?.noTokenType !== true) {
      it('refuses a token of another type (TE-04)', async () => {
        await expect(linkWith({ type: 'badTokenType' })).rejects.toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
      });
    }

    it.each([0, -1, '', 'soon', false, 1e15, '9223372036854775', [3600]])(
      'keeps the token when expires_in is %j (TE-04)',
      (value) => expectUsable({ type: 'expiresIn', value }, { expiresInSeconds: documentedLife }),
    );

    it('cuts the fraction of expires_in (TE-04)', () =>
      expectUsable(
        { type: 'expiresIn', value: '3599.5' },
        { expiresInSeconds: definition.neverExpires === true ? undefined : 3599 },
      ));

    it.each<[scope: string | number | Record<string, never>, grantedScopes: readonly string[] | null]>([
      ['', []],
      [' ', []],
      [7, null],
      [{}, null],
      ['a\u0000b', null],
    ])('never tells scope %j as all that was requested (TE-04)', (scope, grantedScopes) => {
      const told = definition.grantedScopesIn === 'token-response' ? { grantedScopes } : {};
      return expectUsable({ type: 'fields', values: { scope } }, told);
    });

    if (definition.grantedScopesIn === 'token-response') {
      it.each(['one,two', 'one, two', 'one two', ' one  two ', ['one', 'two']])('reads scope %j (TE-04)', (scope) =>
        expectUsable({ type: 'fields', values: { scope } }, { grantedScopes: ['one', 'two'] }),
      );
    }

    it.each(['token', ...(hasRefreshToken ? ['refresh'] : [])] as const)(
      'distinguishes HTTP 410 (%s)',
      async (endpoint) => {
        const wrong: Wrong = { type: 'status', code: 410 };
        const call = endpoint === 'token' ? linkWith(wrong) : refreshWith(wrong);
        await expect(call).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'answered', isGone: true });
      },
    );

    if (definition.account.from === 'api') {
      it('distinguishes HTTP 410 (account)', async () => {
        bench.fake().misbehave({ endpoint: 'account', type: 'status', code: 410 });
        await expect(bench.findAccount()).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', isGone: true });
      });
    }

    if (definition.revocation !== undefined) {
      it('distinguishes HTTP 410 (revocation)', async () => {
        const endpoint = definition.revocation?.proof === 'custom' ? 'endpoint' : 'revoke';
        bench.fake().misbehave({ endpoint, type: 'status', code: 410 });
        await expect(bench.revoke()).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', isGone: true });
      });
    }

    if (!hasRefreshToken) {
      return;
    }

    it.each(withoutEvidence)('treats %s as no evidence against the grant (R-13)', async (_title, wrong) => {
      await expect(refreshWith(wrong)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'answered' });
    });

    it.each(['text/plain', 'text/html; charset=utf-8'])(
      'reads the refusal of a grant under the content type %s (TE-04)',
      async (contentType) => {
        const wrong: Wrong = { type: 'error', error: 'invalid_grant', status: 400, contentType };
        await expect(refreshWith(wrong)).rejects.toMatchObject({ code: 'TOKEN_REVOKED' });
      },
    );

    it.each(unreadable)('does not know whether a refresh was done that brings %s (TE-04)', async (_title, wrong) => {
      await expect(refreshWith(wrong)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'unknown' });
    });

    it('does not know whether a refresh was done that brings JSON without a token (TE-04)', async () => {
      const wrong: Wrong = { type: 'status', code: 200, body: '{"token_type":"bearer"}', contentType: 'text/plain' };
      const expected = { code: 'TOKEN_RESPONSE_INVALID', isInDoubt: true };
      await expect(refreshWith(wrong)).rejects.toMatchObject(expected);
    });

    if (refreshesTokens) {
      it('keeps the refresh token of a response that cannot be used otherwise (TE-04)', async () => {
        const wrong: Wrong = { type: 'fields', values: { access_token: 'not visible ASCII' } };
        const error: unknown = await refreshWith(wrong).catch((reason: unknown) => reason);
        const { rotates } = definition.refresh;
        expect(error).toMatchObject({ code: 'TOKEN_RESPONSE_INVALID', isInDoubt: rotates === 'never' });
      });
    }
  });
}
