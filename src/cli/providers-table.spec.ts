import { describe, expect, it } from '@jest/globals';
import { exampleOAuth1, exampleOAuth2, exampleSettings } from '../provider-kit/testing/example-definition.js';
import { providersTable } from './providers-table.js';

const settings = exampleSettings('https://provider.example');

describe('providersTable', () => {
  it('shows OAuth, state and lifecycle of each provider, in columns', () => {
    const retiring = { status: 'retiring', sunsetAt: '2026-12-31', replacedBy: 'newer' } as const;
    const retired = { status: 'retired', sunsetAt: '2016-04-12' } as const;
    const table = providersTable([
      { definition: exampleOAuth2, settings },
      { definition: { ...exampleOAuth1, slug: 'old' }, settings: { ...settings, mode: 'sandbox' } },
      {
        definition: { ...exampleOAuth2, slug: 'going', lifecycle: retiring },
        settings: { ...settings, mode: 'not-configured' },
      },
      { definition: { ...exampleOAuth2, slug: 'gone', lifecycle: retired }, settings, problem: 'X is missing.' },
    ]);
    expect(table.split('\n')).toEqual([
      'SLUG     NAME     OAUTH  STATE             LIFECYCLE',
      'example  Example  2.0    configured        live',
      'old      Example  1.0a   sandbox           live',
      'going    Example  2.0    off               retiring 2026-12-31, then newer',
      'gone     Example  2.0    invalid settings  retired 2016-04-12',
    ]);
  });
});
