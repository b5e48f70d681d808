import { describe, expect, it } from '@jest/globals';
import { registrationHash } from './registration.js';
import { exampleOAuth1, exampleOAuth1Settings, exampleOAuth2, exampleSettings } from './testing/example-definition.js';
import { createPlainProvider } from './testing/plain-provider.js';
import { createClient } from './client/create-client.js';
import { Clock } from '../clock/clock.js';
import { ProviderHttpClient } from './http/http-client.js';

const url = 'https://provider.example';
const http = new ProviderHttpClient();

/** As version 1.0.0 computed them: its replicas and ours serve the same open links during an upgrade. */
describe("the digest of a link's settings is that of version 1.0.0", () => {
  it('for OAuth 2.0 (AR-10)', () => {
    const client = createClient(exampleOAuth2, http, new Clock());
    expect(registrationHash(createPlainProvider(exampleOAuth2, exampleSettings(url), client)).toString('hex')).toBe(
      '96ad246c6a386ca13347f5709622d61414a977d449a45742a8dd989feecb059d',
    );
  });

  it('for OAuth 1.0a (AR-10)', () => {
    const client = createClient(exampleOAuth1, http, new Clock());
    const provider = createPlainProvider(exampleOAuth1, exampleOAuth1Settings(url), client);
    expect(registrationHash(provider).toString('hex')).toBe(
      'aafbd37ab9d697a76f76ac6b2faa5e5bafd3eec7c43b186c6fd9afb16fe5a4e4',
    );
  });
});
