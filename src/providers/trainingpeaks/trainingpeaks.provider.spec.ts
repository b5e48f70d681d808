import { describe, expect, it } from '@jest/globals';
import { readProviderSettings } from '../../provider-kit/definition/provider-settings.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { trainingpeaksDefinition } from './trainingpeaks.definition.js';

describeProviderContract(trainingpeaksDefinition);

describe('the sandbox of the provider', () => {
  it('is called at its own hosts only', () => {
    const { endpoints } = readProviderSettings(trainingpeaksDefinition, { TRAININGPEAKS_SERVER: 'sandbox' });
    const { authorizeUrl, tokenUrl, apiBaseUrl, accountUrl, revokeUrl } = endpoints;
    const hosts = [authorizeUrl, tokenUrl, apiBaseUrl, accountUrl, revokeUrl].map((url) => new URL(url ?? '').host);
    expect([...new Set(hosts)]).toEqual(['oauth.sandbox.trainingpeaks.com', 'api.sandbox.trainingpeaks.com']);
  });
});
