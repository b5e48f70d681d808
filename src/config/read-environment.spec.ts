import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { isSecretSet, readEnvironment, readSecret } from './read-environment.js';

const schema = z.object({
  COUNT: z.coerce.number('must be a number.').int().default(7),
  NAME: z.string().regex(/^[a-z]+$/, 'must be lower-case letters.'),
});

describe('readEnvironment', () => {
  it('returns the variables of the schema, converted, and nothing else', () => {
    expect(readEnvironment(schema, { COUNT: '3', NAME: 'a', OTHER: 'x' })).toEqual({ COUNT: 3, NAME: 'a' });
  });

  it('treats an empty variable as not set', () => {
    expect(readEnvironment(schema, { COUNT: '', NAME: 'a' })).toEqual({ COUNT: 7, NAME: 'a' });
  });

  it('names every wrong or missing variable and its valid values', () => {
    expect(() => readEnvironment(schema, { COUNT: 'x', NAME: 'A' })).toThrow(
      'Invalid settings. COUNT: must be a number. NAME: must be lower-case letters.',
    );
    expect(() => readEnvironment(schema, {})).toThrow(/^Invalid settings\. NAME: /);
  });

  it('shows no value of a variable (LOG-01)', () => {
    const strict = z.object({ KEY: z.url(), MODE: z.enum(['a', 'b']), SIZE: z.coerce.number().max(3) });
    const values = { KEY: 'canary-key', MODE: 'canary-mode', SIZE: '71077345' };

    const read = (): unknown => readEnvironment(strict, values);

    expect(read).toThrow(/KEY: .*MODE: .*SIZE: /);
    expect(read).not.toThrow(/canary|71077345/);
  });
});

describe('readSecret', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'cufflink-secret-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  function write(text: string): string {
    const file = join(directory, 'secret');
    writeFileSync(file, text);
    return file;
  }

  it.each(['', '\n', '\r\n', '\n\n'])('reads a file without the line end %j behind it', (end) => {
    expect(readSecret({ PASSWORD_FILE: write(` two\nlines ${end}`) }, 'PASSWORD')).toBe(' two\nlines ');
  });

  it('reads the variable where there is no file, and nothing where neither is set', () => {
    expect(readSecret({ PASSWORD: 'x', PASSWORD_FILE: '' }, 'PASSWORD')).toBe('x');
    expect(readSecret({ PASSWORD: '', PASSWORD_FILE: '' }, 'PASSWORD')).toBeUndefined();
  });

  it('refuses both, an empty file and one that is not there, and shows no value (LOG-01)', () => {
    const read = (environment: Record<string, string>) => (): unknown => readSecret(environment, 'PASSWORD');
    const both = read({ PASSWORD: 'canary', PASSWORD_FILE: write('canary') });
    expect(both).toThrow('Set either PASSWORD or PASSWORD_FILE, not both.');
    expect(both).not.toThrow(/canary/);
    expect(read({ PASSWORD_FILE: write('\n') })).toThrow('PASSWORD_FILE names an empty file.');
    expect(read({ PASSWORD_FILE: join(directory, 'none') })).toThrow('PASSWORD_FILE names a file that cannot be read.');
  });

  it('gives a schema the secrets that it names, from files too', () => {
    const environment = { COUNT: '3', NAME_FILE: write('a\n') };
    expect(readEnvironment(schema, environment, ['NAME'])).toEqual({ COUNT: 3, NAME: 'a' });
    expect(() => readEnvironment(schema, environment)).toThrow('NAME');
    expect(isSecretSet(environment, 'NAME')).toBe(true);
    expect(isSecretSet(environment, 'OTHER')).toBe(false);
  });
});
