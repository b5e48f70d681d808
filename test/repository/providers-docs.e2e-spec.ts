import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  findOutdatedPage,
  readSource,
  renderProvidersPage,
  type ProvidersSource,
} from '../../scripts/providers-docs.js';
import { findOutdatedNotifications, renderNotifications } from '../../scripts/notifications-docs.js';
import { readDefinitions } from '../../src/cli/provider-catalogue.js';
import type { ProviderDefinition } from '../../src/provider-kit/definition/provider-definition.js';
import { exampleOAuth1, exampleOAuth2 } from '../../src/provider-kit/testing/example-definition.js';
import { checkout } from '../support/service-process.js';

let source: ProvidersSource;

beforeAll(async () => {
  source = await readSource(checkout, await readDefinitions());
});

describe('the table of notifications', () => {
  it('matches the definitions; otherwise run `npm run docs:providers`', async () => {
    expect(await findOutdatedNotifications(checkout, source.definitions)).toBeUndefined();
  });

  it('has a row and a section for each provider that sends notifications, and names the others', () => {
    const page = renderNotifications(source.definitions);
    for (const { slug, notifications } of source.definitions) {
      expect(page.includes(`\n### ${slug}\n`)).toBe(notifications !== undefined);
      expect(page).toContain(`\`${slug}\``);
    }
  });
});

describe('the page about providers', () => {
  it('matches the definitions; otherwise run `npm run docs:providers`', async () => {
    expect(await findOutdatedPage(checkout, source)).toBeUndefined();
  });

  it('is outdated when a definition changes', async () => {
    const [first, ...others] = source.definitions as [ProviderDefinition, ...ProviderDefinition[]];
    const definitions = [{ ...first, displayName: 'Renamed' }, ...others];
    expect(await findOutdatedPage(checkout, { ...source, definitions })).toContain('Renamed');
  });

  it('is written where there is none', async () => {
    expect(await findOutdatedPage(join(checkout, 'nowhere'), source)).toBe(renderProvidersPage(source));
  });
});

describe('renderProvidersPage', () => {
  function render(definition: ProviderDefinition, refreshTokenLifetimeSeconds: number | null = null): string {
    const facts = [
      { id: 'example', checkedOn: '2026-11-30', refreshTokenLifetimeSeconds, kind: 'wearable', access: 'partners' },
    ];
    return renderProvidersPage({ definitions: [definition], facts, folders: ['exam', 'example', 'example-b'] });
  }

  /** The section about one provider. */
  function sectionOf(definition: ProviderDefinition): string {
    const page = render(definition);
    return page.slice(page.indexOf('\n## example'));
  }

  it('has a row and a section for each provider, and says which providers are not offered', () => {
    const page = renderProvidersPage(source);
    for (const { slug } of source.definitions) {
      expect(page).toContain(`\n| [\`${slug}\`](#${slug}) | `);
      expect(page).toContain(`\n## ${slug}\n`);
    }
    for (const provider of ['Samsung Health', 'Peloton', 'Eight Sleep', 'komoot']) {
      expect(page.split('\n## Not offered')[1]).toContain(`| ${provider}`);
    }
  });

  it('leads a reader from a device to each provider, with requirements and observations', () => {
    const page = renderProvidersPage(source);
    const finder = page.slice(page.indexOf('\n## Find a provider'), page.indexOf('\n## Not offered'));
    expect(source.definitions.filter(({ slug }) => !finder.includes(`](#${slug}) |`))).toEqual([]);
    const [facts] = source.facts.filter(({ id }) => id === 'oura');
    const observed = { ...source, facts: [{ ...facts, observedOn: '2026-12-01' }] } as ProvidersSource;
    expect(renderProvidersPage(observed)).toContain(
      '| [Oura](#oura) |  | app registration | 2026-11-30 | 2026-12-01 |',
    );
    expect(finder).toContain('| [TANITA Health Planet](#tanita-health-planet) | Japan |');
  });

  it('shows lifetimes in the largest unit that fits, and marks unpublished ones', () => {
    const row = (accessTokenLifetimeSeconds: number | undefined, refreshTokenLifetimeSeconds: number | null) =>
      render({ ...exampleOAuth2, accessTokenLifetimeSeconds }, refreshTokenLifetimeSeconds);
    expect(row(86_400, 7_775_998)).toContain('| 1 day | 90 days |');
    expect(row(43_199, 31_536_000)).toContain('| 12 hours | 365 days |');
    expect(row(5_400, 90)).toContain('| 90 minutes | 90 seconds |');
    expect(row(undefined, null)).toContain('| ? | ? |');
    expect(render({ ...exampleOAuth2, neverExpires: true, noRefreshToken: true })).toContain('| no end | none |  |');
  });

  it('leads to the README of the folder that a provider is in', () => {
    expect(render(exampleOAuth2)).toContain('](../src/providers/example/README.md)');
    expect(render({ ...exampleOAuth2, slug: 'example-bc' })).toContain('](../src/providers/example/README.md)');
    expect(render({ ...exampleOAuth2, slug: 'example-b' })).toContain('](../src/providers/example-b/README.md)');
  });

  it('reports that a URL is discovered instead of the name that stands for it', () => {
    const revocation = { proof: 'client', method: 'POST', url: 'https://discovered.invalid/revoke' } as const;
    expect(sectionOf({ ...exampleOAuth2, revocation })).toContain('Revocation: POST to a discovered URL, proved by');
  });

  it.each<[Partial<ProviderDefinition>, string]>([
    [{}, 'Scopes: `sleep`; the token response reports the granted ones.'],
    [{ defaultScopes: [] }, 'Scopes: none are requested.'],
    [{ defaultScopes: ['a', 'b'], scopeSeparator: ',' }, 'Scopes: `a` `b`, joined by commas;'],
    [{ revocation: undefined }, 'Revocation: none; the user ends the grant at the provider.'],
    [{ refreshUrl: 'https://a.example/refresh' }, 'Peculiar: refreshes go to `https://a.example/refresh`.'],
    [{ extraAuthorizeParams: { prompt: 'consent' } }, 'Peculiar: the authorization request has `prompt=consent`.'],
    [
      { responseDialect: { noTokenType: true, bodyField: 'body' } },
      'the tokens are inside `body`; there is no `token_type`.',
    ],
    [{ uncertain: ['Who knows.'] }, '- Not confirmed: Who knows.\n'],
    [{}, 'Refresh: returns a new refresh token; a used one ends the grant.'],
    [{}, 'Source: <https://provider.example/docs>, checked on 2026-11-30.'],
    [{ account: { from: 'token-response', field: 'a|b.c' } }, "The user's id: `a` or `b.c` of the token response."],
    [
      { account: { from: 'id-token', claim: 'openid' } },
      '`openid` of the ID token; its signature is not checked: no keys are published.',
    ],
    [
      { issuers: ['https://a.example', 'https://b.example'] },
      'the issuer is `https://a.example` or `https://b.example`.',
    ],
    [
      { servers: { main: {}, b: { defaultScopes: ['x'] } } },
      '- Server: `EXAMPLE_SERVER=main`, the default.\n- Server: `EXAMPLE_SERVER=b`: scopes: `x`.\n',
    ],
  ])('describes %j', (change, sentence) => {
    expect(sectionOf({ ...exampleOAuth2, ...change } as ProviderDefinition)).toContain(sentence);
  });

  it('describes OAuth 1.0a without the facts of OAuth 2.0', () => {
    const section = sectionOf(exampleOAuth1);
    expect(section).toContain('proved by a signature with the token');
    expect(section).not.toMatch(/Refresh|Peculiar/);
    expect(sectionOf({ ...exampleOAuth1, tokenParametersIn: 'form' })).toContain(
      'Peculiar: the two token calls carry their parameters in the form.',
    );
  });
});
