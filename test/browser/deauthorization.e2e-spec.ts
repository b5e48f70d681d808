import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BackgroundJobs } from '../../src/clock/background-jobs.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { TestChromium } from '../support/chromium.js';
import { HttpsFront } from '../support/https-front.js';
import { until } from '../support/until.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const ours = 'https://link.example.com';
const provider = 'https://provider.example.net';
const returnUrl = 'https://app.example.org/devices';
const unpackingMs = 300_000;
/** On an idle machine it takes less than two seconds, and a slow one gets seven times as long. */
const longestMs = 14_000;

/** The whole way of a withdrawal: a user in Chromium, the provider, Cufflink with its workers, and the company. */
describe('a user who withdraws consent at the provider', () => {
  let application: TestApplication;
  let front: HttpsFront;
  let chromium: TestChromium;
  let receiver: WebhookReceiver;

  beforeAll(async () => {
    application = await startApplication({ environment: { PUBLIC_URL: ours, RETURN_URLS: returnUrl } });
    application.app.get(BackgroundJobs, { strict: false }).startWorkers();
    const upstreams = {
      'link.example.com': await application.app.getUrl(),
      'provider.example.net': application.sandbox.url,
    };
    front = await HttpsFront.start(upstreams, new Map());
    chromium = await TestChromium.start(front.port);
    receiver = await WebhookReceiver.start();
  }, unpackingMs);
  afterAll(async () => {
    await chromium.stop();
    await front.stop();
    await receiver.stop();
    await application.close();
  });

  it('leads at once to an event that the user must link again (TE-13)', async () => {
    const slug = 'huawei-health-kit';
    const added = await application.api
      .post('/v1/webhook-endpoints')
      .send({ url: receiver.url, event_types: ['connection.linked', 'connection.needs_relink'] })
      .expect(201);
    const session = await application.api.post('/v1/link-sessions').send({ user_id: 'user-1' }).expect(201);
    const context = await chromium.browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto((session.body as { connect_url: string }).connect_url);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Huawei Health Kit' }).click();
    const account = await page.locator('[name="account"]').inputValue();
    await page.getByRole('button', { name: 'Approve' }).click();
    // Huawei posts its callback as a form.
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('is connected').waitFor();
    await until('the company knows of the link', () => receiver.received.length === 1);

    // A page of the provider without a policy for its scripts.
    await page.goto(`${provider}/_control/${slug}/history`);
    const hook = `${await application.app.getUrl()}/v1/hooks/${slug}`;
    const startedAt = performance.now();
    // The same as the button on the provider's own page.
    const statuses = await page.evaluate(
      async ({ path, order }) => {
        const response = await fetch(path, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(order),
        });
        return ((await response.json()) as { statuses: number[] }).statuses;
      },
      {
        path: `/_control/${slug}`,
        order: { revokeGrant: account, notify: { url: hook, kind: 'deauthorized', accounts: [account] } },
      },
    );
    expect(statuses).toEqual([204]);
    await until('the company is told', () => receiver.received.length === 2);
    const tookMs = Math.round(performance.now() - startedAt);

    const [, event] = receiver.verifyAll((added.body as { secret: string }).secret);
    expect(event).toMatchObject({
      type: 'connection.needs_relink',
      data: { user_id: 'user-1', provider: slug, reason: 'deauthorized', source: 'notification', proof: 'signed' },
    });
    expect(tookMs).toBeLessThan(longestMs);
    process.stdout.write(`The company was told after ${tookMs} ms.\n`);
  });
});
