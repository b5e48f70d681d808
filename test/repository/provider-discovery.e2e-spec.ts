import { describe, expect, it } from '@jest/globals';
import { fillFromDiscovery, parseDiscovery, readDiscovery } from '../../scripts/provider-discovery.js';
import { renderProvider } from '../../scripts/provider-new.js';

const document = {
  issuer: 'https://id.acme.example',
  authorization_endpoint: 'https://id.acme.example/authorize',
  token_endpoint: 'https://id.acme.example/token',
  revocation_endpoint: 'https://id.acme.example/revoke',
  code_challenge_methods_supported: ['plain', 'S256'],
  token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_post'],
};

describe('a provider that is made from a discovery document', () => {
  it('has the discovered facts in facts.json and in the definition, and its fake is left to be written by hand', async () => {
    const files = await renderProvider('acme', '2', '2026-11-30');
    const filled = fillFromDiscovery(files, 'acme', parseDiscovery(document));
    expect(JSON.parse(filled.get('facts.json') ?? '')).toMatchObject({
      authorizeUrl: 'https://id.acme.example/authorize',
      tokenUrl: 'https://id.acme.example/token',
      revokeEndpoint: { method: 'POST', url: 'https://id.acme.example/revoke' },
      issuers: ['https://id.acme.example'],
      pkce: 'S256 supported',
      tokenEndpointAuth: 'client_secret_post',
    });
    const definition = filled.get('acme.definition.ts') ?? '';
    for (const line of [
      "authorizeUrl: 'https://id.acme.example/authorize'",
      "tokenUrl: 'https://id.acme.example/token'",
      "url: 'https://id.acme.example/revoke'",
      "issuers: ['https://id.acme.example']",
      "pkce: 'supported'",
      "clientAuthentication: 'body'",
    ]) {
      expect(definition).toContain(line);
    }
    expect(filled.get('acme.sandbox.ts')).toBe(files.get('acme.sandbox.ts'));
  });

  it.each<[title: string, document: unknown]>([
    ['is no object', 'text'],
    ['has plain http', { token_endpoint: 'http://id.acme.example/token' }],
    ['would end the string that it is written into', { token_endpoint: "https://id.acme.example/'+process.exit()+'" }],
    ['has no text', { issuer: 7, code_challenge_methods_supported: 'S256' }],
  ])('takes nothing from a document that %s', async (_title, wrong) => {
    const files = await renderProvider('acme', '2', '2026-11-30');
    expect(fillFromDiscovery(files, 'acme', parseDiscovery(wrong))).toEqual(files);
  });

  it('reads no document over plain http', async () => {
    await expect(readDiscovery('http://127.0.0.1:9/')).rejects.toThrow('is no https URL');
  });
});
