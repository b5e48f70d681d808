import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { importRefusals } from './imported-grant.js';

it('docs/moving.md has a row for each reason of a refused row, and none for another', () => {
  const page = readFileSync(new URL('../../../docs/moving.md', import.meta.url), 'utf8');
  const rows = page.split('### Refused rows')[1]?.split('\n\n')[1] ?? '';
  const documented = [...rows.matchAll(/^\| `(\w+)`/gm)].map(([, reason]) => reason);
  expect(documented.toSorted()).toEqual(Object.keys(importRefusals).toSorted());
});
