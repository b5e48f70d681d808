import { describe, expect, it } from '@jest/globals';
import { findMisspelled } from './misspelled-variables.js';

const known = new Set(['RETURN_URLS', 'DATABASE_URL', 'HOST', 'PORT']);
const slugs = ['wahoo', 'whoop', 'garmin-oauth1'];

describe('findMisspelled', () => {
  it.each([
    ['WHOP_CLIENT_ID', 'WHOOP_CLIENT_ID'],
    ['WHOOP_CLIENT_SECRT', 'WHOOP_CLIENT_SECRET'],
    ['GARMIN_OAUHT1_CLIENT_ID', 'GARMIN_OAUTH1_CLIENT_ID'],
    ['RETURN_URL', 'RETURN_URLS'],
    ['DATABSE_URL', 'DATABASE_URL'],
  ])('names %s, and the variable that was meant: %s', (name, meant) => {
    expect(findMisspelled({ [name]: 'x' }, slugs, known)).toEqual([
      { verdict: 'note', subject: name, text: expect.stringContaining(`Did you mean ${meant}?`) },
    ]);
  });

  it.each(['WHOOP_CLIENT_ID', 'RETURN_URLS', 'PATH', 'HOME', 'HOSTNAME', 'AZURE_CLIENT_ID', 'SSH_AUTH_SOCK', 'POST'])(
    'is silent about %s',
    (name) => {
      expect(findMisspelled({ [name]: 'x' }, slugs, known)).toEqual([]);
    },
  );
});
