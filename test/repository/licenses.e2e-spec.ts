import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { isAllowed, readLicenses } from '../../scripts/licenses.js';
import { checkout } from '../support/service-process.js';

describe('the packages that run', () => {
  it('have licenses that allow a company to ship them', () => {
    const packages = readLicenses(readFileSync(join(checkout, 'package-lock.json'), 'utf8'));
    expect(packages.length).toBeGreaterThan(100);
    expect(packages.filter(({ license }) => !isAllowed(license))).toEqual([]);
  });

  it.each([
    ['MIT', true],
    ['(MIT OR GPL-3.0-only)', true],
    ['Apache-2.0 AND MIT', true],
    ['Apache-2.0 AND GPL-3.0-only', false],
    ['AGPL-3.0-only', false],
    ['unknown', false],
  ])('with the license %s are allowed: %s', (license, allowed) => {
    expect(isAllowed(license)).toBe(allowed);
  });

  it('have one version in package.json, the lock file and the CHANGELOG', () => {
    const version = (file: string): string =>
      (JSON.parse(readFileSync(join(checkout, file), 'utf8')) as { version: string }).version;
    expect(version('package-lock.json')).toBe(version('package.json'));
    const [, latest] = /^## \[(\d+\.\d+\.\d+)\]/m.exec(readFileSync(join(checkout, 'CHANGELOG.md'), 'utf8')) ?? [];
    expect(latest).toBe(version('package.json'));
  });
});
