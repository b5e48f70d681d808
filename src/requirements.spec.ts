import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const idPattern = /\b(?:AR|TE|O1|NET|CR|LOG|R)-\d{2}\b/g;

/** Returns each requirement id of the sources and tests with a file that names it. */
function findUsedIds(): Map<string, string> {
  const ids = new Map<string, string>();
  for (const folder of ['src', 'test']) {
    const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((name) => /\.[jt]s$/.test(name))) {
      for (const [id] of readFileSync(join(root, folder, file), 'utf8').matchAll(idPattern)) {
        ids.set(id, join(folder, file));
      }
    }
  }
  return ids;
}

describe('docs/requirements.md', () => {
  const page = readFileSync(join(root, 'docs/requirements.md'), 'utf8');
  const listed = [...page.matchAll(/^\| ([A-Z]+1?-\d{2}) \|/gm)].map(([, id]) => id);
  const used = findUsedIds();

  it('lists each requirement id that a source or a test names', () => {
    expect([...used].filter(([id]) => !listed.includes(id))).toEqual([]);
  });

  it('lists each requirement id once, and none that no source or test names', () => {
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed.filter((id) => !used.has(String(id)))).toEqual([]);
  });
});
