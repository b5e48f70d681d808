import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { readEnvironment } from './read-environment.js';

const schema = z.object({
  COUNT: z.coerce.number('must be a number.').int().default(7),
  NAME: z.string().regex(/^[a-z]+$/, 'must be lower-case letters.'),
});

describe('readEnvironment', () => {
  it('returns the variables of the schema, converted, and nothing else', () => {
    expect(readEnvironment(schema, { COUNT: '3', NAME: 'a', OTHER: 'x' })).toEqual({ COUNT: 3, NAME: 'a' });
  });

  it('takes an empty variable for one that is not set', () => {
    expect(readEnvironment(schema, { COUNT: '', NAME: 'a' })).toEqual({ COUNT: 7, NAME: 'a' });
  });

  it('names every wrong or missing variable and says what it has to be', () => {
    expect(() => readEnvironment(schema, { COUNT: 'x', NAME: 'A' })).toThrow(
      'Wrong settings. COUNT: must be a number. NAME: must be lower-case letters.',
    );
    expect(() => readEnvironment(schema, {})).toThrow(/^Wrong settings\. NAME: /);
  });

  it('LOG-01 shows no value of a variable', () => {
    const strict = z.object({ KEY: z.url(), MODE: z.enum(['a', 'b']), SIZE: z.coerce.number().max(3) });
    const values = { KEY: 'canary-key', MODE: 'canary-mode', SIZE: '71077345' };

    const read = (): unknown => readEnvironment(strict, values);

    expect(read).toThrow(/KEY: .*MODE: .*SIZE: /);
    expect(read).not.toThrow(/canary|71077345/);
  });
});
