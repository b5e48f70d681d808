import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type {
  OAuth1SandboxDefinition,
  OAuth2SandboxDefinition,
} from '../../provider-kit/definition/sandbox-definition.js';
import { plainDefinition } from '../testing/plain-definition.js';
import { call, json, OAuth2Driver, tokens } from '../testing/sandbox-driver.js';
import { VendorSandbox } from '../vendor-sandbox.js';

const strict: OAuth2SandboxDefinition = { ...plainDefinition, reuse: 'family-revoked' };
const graceful: OAuth2SandboxDefinition = { ...plainDefinition, reuseGrace: { seconds: 60, response: 'same' } };
const registering: OAuth2SandboxDefinition = {
  ...plainDefinition,
  apiNeedsFact: 'registered',
  endpoints: [
    {
      method: 'POST',
      path: '/register',
      respond: (call) => {
        call.remember(`registered:${call.bearerAccountId}`);
        return { status: 200, json: {} };
      },
    },
  ],
};
const oauth1: OAuth1SandboxDefinition = {
  oauth: '1.0a',
  authorizePath: '/authorize',
  requestTokenPath: '/request_token',
  accessTokenPath: '/access_token',
  signatureMethod: 'HMAC-SHA1',
  apiPath: '/data',
};

let directory: string;
let reports: string[];
let sandboxes: VendorSandbox[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cufflink-sandbox-'));
  [reports, sandboxes] = [[], []];
});

afterEach(async () => {
  await Promise.all(sandboxes.map((each) => each.stop()));
  await rm(directory, { recursive: true });
});

/** Starts a sandbox on what an earlier one has left in the folder. */
async function start(folder = directory): Promise<VendorSandbox> {
  const providers = new Map(Object.entries({ strict, graceful, registering, old: oauth1 }));
  const report = (line: string): void => void reports.push(line);
  const sandbox = await VendorSandbox.start({ providers, memory: { directory: folder, report } });
  sandboxes.push(sandbox);
  return sandbox;
}

describe('a sandbox that keeps its grants in files', () => {
  it('knows after a restart which tokens work, and which were used up', async () => {
    const before = new OAuth2Driver((await start()).provider('strict'));
    const first = await before.link({ account: '7' });
    const second = tokens(await before.refresh(first.refreshToken));

    const fake = (await start()).provider('strict');
    const after = new OAuth2Driver(fake);
    expect(json(await after.api(second.accessToken))).toMatchObject({ account_id: '7' });
    const third = tokens(await after.refresh(second.refreshToken));
    expect(fake.liveGrants()).toMatchObject([{ accountId: '7', scopes: ['a', 'b'] }]);
    // The token that was used before the restart still ends the grant.
    expect((await after.refresh(first.refreshToken)).status).toBe(400);
    expect(fake.isLiveRefreshToken(third.refreshToken)).toBe(false);
  });

  it('returns a lost response again after a restart, where the provider does', async () => {
    const before = new OAuth2Driver((await start()).provider('graceful'));
    const { refreshToken } = await before.link();
    const lost = tokens(await before.refresh(refreshToken));
    const again = await new OAuth2Driver((await start()).provider('graceful')).refresh(refreshToken);
    expect(tokens(again)).toEqual(lost);
  });

  it('knows the memory of an endpoint, and the taken account numbers', async () => {
    const first = await start();
    const before = new OAuth2Driver(first.provider('registering'));
    const { accessToken } = await before.link({ account: '1001' });
    await call('POST', `${before.fake.url}/register`, { headers: { authorization: `Bearer ${accessToken}` } });
    first.provider('registering').revokeGrant('none');

    const after = new OAuth2Driver((await start()).provider('registering'));
    expect((await after.api(accessToken)).status).toBe(200);
    expect((await call('GET', after.authorizeUrl())).text).toMatch(/name="account"\s+value="1002"/);
  });

  it('writes a change before the response leaves, readable for this system user only', async () => {
    const fake = (await start()).provider('strict');
    const { refreshToken } = await new OAuth2Driver(fake).link();
    const file = join(directory, 'strict.json');
    expect(await readFile(file, 'utf8')).toContain(refreshToken);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const order = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"revokeGrant":"all"}' };
    await (await fetch(fake.url.replace('/strict', '/_control/strict'), order)).arrayBuffer();
    expect(await readFile(file, 'utf8')).not.toContain(refreshToken);
    expect((await readdir(directory)).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  it.each(['{"version":1,"grants":[', '[]', '', '{"version":2}'])(
    'sets a damaged file aside, says so, and starts with nothing: %s',
    async (text) => {
      await writeFile(join(directory, 'strict.json'), text);
      const fake = (await start()).provider('strict');
      expect(fake.liveGrants()).toEqual([]);
      const aside = (await readdir(directory)).find((name) => name.startsWith('strict.json.damaged-')) ?? '';
      expect(await readFile(join(directory, aside), 'utf8')).toBe(text);
      expect(reports).toEqual([expect.stringContaining(`The file is now ${join(directory, aside)}.`)]);
      await new OAuth2Driver(fake).link();
      expect((await start()).provider('strict').liveGrants()).toHaveLength(1);
    },
  );

  it('keeps the newest grants of very many', async () => {
    const fake = (await start()).provider('strict');
    for (let account = 1; account <= 2_100; account += 1) {
      fake.issueGrant(String(account));
    }
    await fake.save();
    const accounts = (await start())
      .provider('strict')
      .liveGrants()
      .map(({ accountId }) => accountId);
    expect(accounts).toHaveLength(2_000);
    expect([accounts[0], accounts.at(-1)]).toEqual(['101', '2100']);
  });

  it('continues in memory and says so if the file cannot be written', async () => {
    const driver = new OAuth2Driver((await start(join(directory, 'absent'))).provider('strict'));
    const { accessToken } = await driver.link();
    expect((await driver.api(accessToken)).status).toBe(200);
    expect(reports[0]).toMatch(/will forget grants when it stops: .*ENOENT/);
  });

  it('writes no file without a folder', async () => {
    const sandbox = await VendorSandbox.start({ providers: new Map([['strict', strict]]) });
    sandboxes.push(sandbox);
    await new OAuth2Driver(sandbox.provider('strict')).link();
    expect(await readdir(directory)).toEqual([]);
  });
});
