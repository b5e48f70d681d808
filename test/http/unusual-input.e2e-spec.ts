import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkReturnUrl } from '../../src/links/return-url.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { linkAccount, newUser, pathOf, startLink } from '../support/linking.js';
import { endMisbehavior } from '../support/fake-providers.js';
import { bodyOf, expectProblem } from '../support/problems.js';
import { linkBystander } from '../support/untouched-rows.js';

const registered = 'https://app.example.com/done';
const registeredToo = 'https://app.example.com:8443/devices?tab=health';

let application: TestApplication;

beforeAll(async () => {
  application = await startApplication({ environment: { RETURN_URLS: `${registered},${registeredToo}` } });
  await linkBystander(application);
});
afterEach(() => endMisbehavior(application));
afterAll(() => application.close());

describe('a request that only looks wrong', () => {
  it.each([
    ['255 characters of four bytes', '💓'.repeat(255)],
    ['characters that mean something in a URL', 'a/b?c#d%e&f=g+h;i:j@k'],
    ['letters of many alphabets', 'Łucja 李 Ωμέγα عمر'],
    ['what looks like SQL', "'; DROP TABLE connections; --"],
  ])('may have a user_id with %s', async (_what, user) => {
    const encoded = encodeURIComponent(user);
    const id = await linkAccount(application, encoded, 'whoop');

    const body = bodyOf(await application.api.get(`/v1/users/${encoded}/connections/whoop`).expect(200));
    expect(body).toMatchObject({ connection_id: id, user_id: user });
    await application.api.get(`/v1/users/${encoded}/connections/whoop/token`).expect(200);
    await application.api.delete(`/v1/users/${encoded}/connections/whoop`).expect(200);
  });

  it.each([
    ['no body', undefined],
    ['no body behind a content type', ''],
    ['null', 'null'],
    ['an empty object', '{}'],
    ['null in place of each field', '{"return_url":null,"scopes":null}'],
  ])('may start a link with %s', async (_what, body) => {
    const call = application.api.post(`/v1/users/${newUser()}/connections/whoop/link`);
    const link = bodyOf(await (body === undefined ? call : call.type('json').send(body)).expect(201));
    const { link_web_url: url } = link as { link_web_url: string };

    await application.browser.get(pathOf(await consent(url))).expect(200);
  });

  it.each([
    ['other letters in scheme and host', 'HTTPS://APP.EXAMPLE.COM/done'],
    ['the default port', 'https://app.example.com:443/done'],
    ['a step up that leads there', 'https://app.example.com/other/../done'],
    ['ideographic dots', 'https://app。example。com/done'],
  ])(
    'may write a registered return_url with %s; the browser goes to the registered one (NET-05)',
    async (_what, url) => {
      const { linkWebUrl } = await startLink(application, newUser(), 'whoop', { return_url: url });
      const { headers } = await application.browser.get(pathOf(await consent(linkWebUrl))).expect(303);

      expect(headers['location']).toMatch(/^https:\/\/app\.example\.com\/done\?status=success&/);
    },
  );

  it('takes no return_url but the registered ones, however they are altered (NET-05)', () => {
    const config = { returnUrls: [registered, registeredToo], allowLoopbackReturnUrls: false };
    const pieces = fc.constantFrom(
      '/',
      '\\',
      '@',
      '.',
      ':',
      '#',
      '?',
      '%2e',
      '..',
      '\t',
      '\0',
      '。',
      '%00',
      'evil',
      ' ',
    );
    const altered = fc
      .tuple(fc.constantFrom(registered, registeredToo), fc.nat(50), pieces, fc.nat(3))
      .map(([url, at, piece, removed]) => url.slice(0, at) + piece + url.slice(at + removed));
    fc.assert(
      fc.property(fc.oneof(altered, fc.webUrl({ withFragments: true }), fc.string({ unit: 'binary' })), (url) => {
        try {
          expect(config.returnUrls).toContain(checkReturnUrl(url, config));
        } catch (error) {
          expect(error).toMatchObject({ code: 'RETURN_URL_NOT_ALLOWED' });
        }
      }),
      { seed: 20261122, numRuns: 3_000 },
    );
  });

  it('in production may not have a return_url on this machine (NET-05)', async () => {
    const { databaseUrl, rootKey, sandbox } = application;
    const production = await startApplication({
      databaseUrl,
      rootKey,
      sandbox,
      environment: {
        NODE_ENV: 'production',
        ENVIRONMENT_NAME: 'test',
        PUBLIC_URL: 'https://link.example.com',
        RETURN_URLS: registered,
        WHOOP_CLIENT_ID: 'client',
        WHOOP_CLIENT_SECRET: 'secret',
      },
    });
    try {
      const path = `/v1/users/${newUser()}/connections/whoop/link`;
      for (const url of ['http://localhost:3000/', 'http://127.0.0.1/', 'http://localhost/done']) {
        const response = await production.api.post(path).send({ return_url: url });
        expectProblem(response, 400, 'RETURN_URL_NOT_ALLOWED');
        await application.api.post(path).send({ return_url: url }).expect(201);
      }
      await production.api.post(path).send({ return_url: registered }).expect(201);
    } finally {
      await production.close();
    }
  });
});
