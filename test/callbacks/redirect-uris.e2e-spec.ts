import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import type { LinkRequest, LinkTerms } from '../../src/links/link-terms.js';
import { LinksService } from '../../src/links/links.service.js';
import type { HealthProvider } from '../../src/provider-kit/health-provider.js';
import { ProviderRegistry } from '../../src/provider-kit/provider-registry.js';
import type { TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import {
  publicUrl,
  RecordingHttpClient,
  returnUrl,
  startReplica,
  useObserved,
} from '../support/observed-application.js';
import { approvedLink, newUser, pathOf } from '../support/linking.js';

let application: TestApplication;
let recorder: RecordingHttpClient;

useObserved((observed) => ({ application, recorder } = observed));

describe('the redirect URI', () => {
  const spoofed = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'http',
    'x-forwarded-port': '8080',
    'x-original-host': 'evil.example',
    forwarded: 'host=evil.example;proto=http',
  };

  it.each(['whoop', 'garmin', 'fitbit', 'oura'])(
    'of %s comes from the settings, not from the headers, and is the same in both requests (AR-11)',
    async (slug) => {
      const started = await application.api
        .post(`/v1/users/${newUser()}/connections/${slug}/link`)
        .set(spoofed)
        .expect(201);
      const { link_web_url: linkWebUrl } = started.body as { link_web_url: string };
      const callback = await consent(linkWebUrl);
      await application.browser.get(pathOf(callback)).set(spoofed).expect(200);

      const expected = `${publicUrl}/v1/oauth/${slug}/callback`;
      expect(new URL(linkWebUrl).searchParams.getAll('redirect_uri')).toEqual([expected]);
      expect(recorder.lastForm().getAll('redirect_uri')).toEqual([expected]);
      expect(started.text).not.toContain('evil');
    },
  );

  it.each(['garmin-oauth1', 'fitbit-oauth1'])(
    'of %s comes from the settings, not from the headers (AR-11)',
    async (slug) => {
      const started = await application.api
        .post(`/v1/users/${newUser()}/connections/${slug}/link`)
        .set(spoofed)
        .expect(201);
      const { state } = started.body as { state: string };

      const header = recorder.sent.at(-1)?.headers?.['authorization'] ?? '';
      const sent = decodeURIComponent(/oauth_callback="([^"]*)"/.exec(header)?.[1] ?? '');
      expect(sent).toBe(`${publicUrl}/v1/oauth/${slug}/callback?state=${state}`);
      expect(started.text).not.toContain('evil');
    },
  );

  it("with the defense off (built from the Host header) sends the code to a host of the caller's choice (AR-11)", async () => {
    const believing = await startReplica(application, {
      modules: [HostMemory],
      override: (builder) => builder.overrideProvider(ProviderRegistry).useClass(HostBelievingRegistry),
    });
    try {
      const user = newUser();
      const started = await believing.api.post(`/v1/users/${user}/connections/whoop/link`).set(spoofed).expect(201);
      const stolen = await consent((started.body as { link_web_url: string }).link_web_url);

      expect(stolen.origin).toBe('https://evil.example');
      expect(stolen.searchParams.get('code')).toMatch(/./);
      expect(await auditEntriesOf(application, user)).toEqual(['link.started success api-key']);
    } finally {
      await believing.close();
    }
  });

  it('is not followed by a return_url from the callback (AR-11, NET-05)', async () => {
    const { callback } = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });
    callback.searchParams.set('return_url', 'https://evil.example/');
    callback.searchParams.set('redirect_uri', 'https://evil.example/');

    const { headers } = await application.browser.get(pathOf(callback)).set(spoofed).expect(303);

    expect(headers['location']).toMatch(/^https:\/\/app\.example\.com\/devices\?status=success&/);
    expect(headers['location']).not.toContain('evil');
  });
});

/** Remembers which host a request says that it was sent to, until the response is sent. */
const hostOfRequest = new AsyncLocalStorage<string | undefined>();

@Module({})
class HostMemory implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer
      .apply((request: IncomingMessage, _response: unknown, next: () => void) => {
        hostOfRequest.run(request.headers.host, next);
      })
      .forRoutes('{*path}');
  }
}

/** Builds the redirect URI as `${request.protocol}://${request.host}/callback` would. */
class HostBelievingRegistry extends ProviderRegistry {
  override get(slug: string): HealthProvider {
    const provider = super.get(slug);
    const redirectUri = `https://${hostOfRequest.getStore() ?? ''}/v1/oauth/${slug}/callback`;
    return Object.create(provider, { settings: { value: { ...provider.settings, redirectUri } } }) as HealthProvider;
  }
}

describe('a return_url that is not registered', () => {
  const body = { return_url: 'https://evil.example/devices' };

  it('starts no link (NET-05)', async () => {
    const user = newUser();
    const response = await application.api.post(`/v1/users/${user}/connections/whoop/link`).send(body).expect(400);

    expect(response.body).toMatchObject({ code: 'RETURN_URL_NOT_ALLOWED' });
    expect(await auditEntriesOf(application, user)).toEqual([]);
  });

  it('with the defense off (no list) gets the browser and the connection (NET-05)', async () => {
    const open = await startReplica(application, {
      // The callback compares with the list once more.
      environment: { RETURN_URLS: body.return_url },
      override: (builder) => builder.overrideProvider(LinksService).useClass(AnyReturnUrlLinks),
    });
    try {
      const { callback } = await approvedLink(open, 'whoop', { body });

      const { headers } = await open.browser.get(pathOf(callback)).expect(303);

      expect(headers['location']).toMatch(/^https:\/\/evil\.example\/devices\?status=success&.*connection_id=/);
    } finally {
      await open.close();
    }
  });
});

class AnyReturnUrlLinks extends LinksService {
  override checkTerms({
    returnUrl,
  }: Pick<LinkRequest, 'returnUrl'>): Pick<LinkTerms, 'returnUrl' | 'requireConfirmation'> {
    return { returnUrl: returnUrl ?? null, requireConfirmation: false };
  }
}
