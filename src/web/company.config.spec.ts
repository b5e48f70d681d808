import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readCompanyConfig } from './company.config.js';

const directory = mkdtempSync(join(tmpdir(), 'cufflink-company-'));
afterAll(() => rmSync(directory, { recursive: true }));

function readLogo(bytes: string | Buffer) {
  const file = join(directory, 'logo');
  writeFileSync(file, bytes);
  return readCompanyConfig({ COMPANY_LOGO_FILE: file }).logo?.type;
}

describe('the settings of the company', () => {
  it('are all optional', () => {
    expect(readCompanyConfig({})).toEqual({ name: undefined, url: undefined, color: undefined, logo: undefined });
  });

  it.each([
    ['image/png', Buffer.from('89504e470d0a1a0a00', 'hex')],
    ['image/jpeg', Buffer.from('ffd8ffe000104a464946', 'hex')],
    ['image/webp', Buffer.from('RIFF\x01\x02\x03\x04WEBPVP8 ', 'latin1')],
    ['image/svg+xml', '<?xml version="1.0"?>\n<!-- made by hand -->\n<svg xmlns="http://www.w3.org/2000/svg"></svg>'],
  ])('take a logo of the type %s, whatever its file is called', (type, bytes) => {
    expect(readLogo(bytes)).toBe(type);
  });

  it.each([
    ['a page', '<!doctype html><svg></svg>'],
    ['nothing', ''],
    ['too many bytes', `<svg>${' '.repeat(100 * 1024)}</svg>`],
  ])('refuse a logo that is %s', (_what, bytes) => {
    expect(() => readLogo(bytes)).toThrow('COMPANY_LOGO_FILE must be a PNG, JPEG, WebP or SVG file');
  });

  it.each([
    [{ COMPANY_LOGO_FILE: '/nothing/here.png' }, 'COMPANY_LOGO_FILE names a file that cannot be read.'],
    [{ COMPANY_COLOR: 'red' }, 'COMPANY_COLOR: must be a color of the form #1f5fbf.'],
    [{ COMPANY_NAME: 'x'.repeat(61) }, 'COMPANY_NAME: must have at most 60 visible characters.'],
    [{ COMPANY_URL: 'javascript:alert(1)' }, 'COMPANY_URL: must be a URL'],
    [
      { COMPANY_URL: 'http://app.example.com', NODE_ENV: 'production' },
      'COMPANY_URL must be an https URL in production.',
    ],
  ])('are refused: %j', (environment, message) => {
    expect(() => readCompanyConfig(environment)).toThrow(message);
  });
});
