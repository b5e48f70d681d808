import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { checkout } from '../support/service-process.js';

describe('test/README.md', () => {
  const page = readFileSync(join(checkout, 'test/README.md'), 'utf8');
  const entries = readdirSync(join(checkout, 'test'), { withFileTypes: true });

  it('has a row for each room, and no other', () => {
    const rooms = entries.filter((entry) => entry.isDirectory() && entry.name !== 'support').map(({ name }) => name);
    const rows = [...page.matchAll(/^\| `([a-z-]+)\/` \|/gm)].map(([, name]) => name);
    expect(rows.sort()).toEqual(rooms.sort());
  });

  it('names helpers that exist', () => {
    const files = [...page.matchAll(/`([a-z-]+\.ts)`/g)].map(([, name = '']) => name);
    const helpers = readdirSync(join(checkout, 'test/support'));
    expect(files.length).toBeGreaterThan(10);
    expect(files.filter((name) => !helpers.includes(name))).toEqual([]);
  });

  it('finds every end-to-end test in a room', () => {
    expect(entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))).toEqual([]);
  });
});
