import { describe, expect, it } from '@jest/globals';
import { readProviderSettings } from '../../provider-kit/definition/provider-settings.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { medicareBlueButtonDefinition } from './medicare-blue-button.definition.js';

describeProviderContract(medicareBlueButtonDefinition);

describe('the sandbox of the provider', () => {
  it('is called at its own hosts only', () => {
    const { endpoints } = readProviderSettings(medicareBlueButtonDefinition, {
      MEDICARE_BLUE_BUTTON_SERVER: 'sandbox',
    });
    const { authorizeUrl, tokenUrl, apiBaseUrl, revokeUrl } = endpoints;
    const hosts = [authorizeUrl, tokenUrl, apiBaseUrl, revokeUrl].map((url) => new URL(url ?? '').host);
    expect([...new Set(hosts)]).toEqual(['sandbox.bluebutton.cms.gov']);
  });
});
