import { expect, it } from '@jest/globals';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { parseTokenResponse } from '../../provider-kit/token-response.js';
import { ihealthDefinition } from './ihealth.definition.js';
import { IhealthProvider } from './ihealth.provider.js';
import { IhealthStrategy } from './ihealth.strategy.js';

describeProviderContract(
  ihealthDefinition,
  (settings, client) => new IhealthProvider(settings, new IhealthStrategy(settings, client), client),
);

it("believes the answer's Expires more than the documented life", () => {
  const answer = {
    AccessToken: 'not-a-real-token',
    RefreshToken: 'not-a-real-one-either',
    Expires: 3600,
    UserID: 'u1',
  };
  const response = { status: 200, headers: { 'content-type': 'application/json' }, text: JSON.stringify(answer) };
  const grant = parseTokenResponse(response, ihealthDefinition, new Date(0));
  expect(grant).toMatchObject({ expiresInSeconds: 3600, providerUserId: 'u1' });
});
