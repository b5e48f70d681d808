// Lists the license of every package that runs, in licenses.md. Ends with 1 if one is not on the list below.
import { readFileSync, writeFileSync } from 'node:fs';

/** Licenses under which a company may run and ship a package without publishing its own code. */
const allowed = new Set([
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  '0BSD',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'Python-2.0',
  'Unlicense',
]);

/** Packages older than the field `license`. Their own files name it. */
const named: Readonly<Record<string, string>> = { 'passport-strategy@1.0.0': 'MIT', 'pause@0.0.1': 'MIT' };

interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
}

export interface LicensedPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
}

/** Reads the packages that run from the lock file, sorted by name. */
export function readLicenses(lockFile: string): LicensedPackage[] {
  const { packages } = JSON.parse(lockFile) as { packages: Record<string, LockedPackage> };
  return Object.entries(packages)
    .filter(([path, { dev, link }]) => path !== '' && dev !== true && link !== true)
    .map(([path, { version = '?', license }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      return { name, version, license: license ?? named[`${name}@${version}`] ?? 'unknown' };
    })
    .sort((left, right) => left.name.localeCompare(right.name) || left.version.localeCompare(right.version));
}

/** Tells whether a license, or one of a choice such as `(MIT OR GPL-3.0)`, is allowed. */
export function isAllowed(license: string): boolean {
  return license
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((each) => allowed.has(each)));
}

if (import.meta.main) {
  const root = new URL('..', import.meta.url);
  const packages = readLicenses(readFileSync(new URL('package-lock.json', root), 'utf8'));
  const rows = packages.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`);
  writeFileSync(
    new URL('licenses.md', root),
    `# Licenses of the packages that run\n\n| package | version | license |\n|---|---|---|\n${rows.join('\n')}\n`,
  );
  const wrong = packages.filter(({ license }) => !isAllowed(license));
  for (const { name, version, license } of wrong) {
    process.stderr.write(`${name} ${version} has the license ${license}, which is not on the list.\n`);
  }
  process.stdout.write(`Wrote licenses.md: ${packages.length} packages.\n`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}
