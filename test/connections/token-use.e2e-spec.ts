import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';
import { request } from '../../src/sandbox/testing/request.js';

interface TokenBody {
  readonly access_token: string;
  readonly api: { readonly base_url: string | null; readonly token_parameter?: string; readonly headers?: string[] };
}

describe('a token', () => {
  let application: TestApplication;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(() => application.close());

  async function readToken(slug: string): Promise<TokenBody> {
    await linkAccount(application, 'user-1', slug);
    const response = await application.api.get(`/v1/users/user-1/connections/${slug}/token`).expect(200);
    return response.body as TokenBody;
  }

  it("comes with the address of the provider's API", async () => {
    expect((await readToken('whoop')).api).toEqual({ base_url: `${application.sandbox.url}/whoop/developer/v2` });
    expect((await readToken('omron')).api).toEqual({ base_url: null });
  });

  it('says where the provider wants it in the query, and works there', async () => {
    const { access_token: token, api } = await readToken('coros');
    expect(api.token_parameter).toBe('token');
    const { apiPath } = application.sandbox.provider('coros').definition;
    const url = new URL(`${application.sandbox.provider('coros').url}${apiPath}`);
    url.searchParams.set(api.token_parameter ?? '', token);
    const response = await request(url);
    await response.body.dump();
    expect(response.statusCode).toBe(200);
  });

  it("says which headers of the company's own the provider wants beside", async () => {
    expect((await readToken('suunto')).api.headers).toEqual(['Ocp-Apim-Subscription-Key']);
  });

  it('is refreshed in its last minute only, where the provider wants no refresh ahead of time', async () => {
    const { access_token: first } = await readToken('wahoo');
    const fake = application.sandbox.provider('wahoo');
    const refreshes = (): number => fake.history.filter(({ kind }) => kind === 'refresh').length;
    const read = async (): Promise<string> => {
      const response = await application.api.get('/v1/users/user-1/connections/wahoo/token').expect(200);
      return (response.body as TokenBody).access_token;
    };
    application.clock.advance((fake.accessTokenLifetimeSeconds - 120) * 1_000);
    expect(await read()).toBe(first);
    expect(refreshes()).toBe(0);

    application.clock.advance(70_000);
    expect(await read()).not.toBe(first);
    expect(refreshes()).toBe(1);
  });
});
