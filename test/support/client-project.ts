import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { checkout } from './service-process.js';

const run = promisify(execFile);

/** Packages that the client needs, from those of the checkout. */
const dependencies = [
  'openapi-fetch',
  'openapi-typescript-helpers',
  'standardwebhooks',
  '@stablelib/base64',
  'fast-sha256',
];

/** A Node project outside the checkout that has installed the packed client. */
export interface ClientProject {
  readonly directory: string;
  /** The packed client. */
  readonly tarball: string;
  remove(): Promise<void>;
}

/**
 * Packs the client as a release does, and installs it with npm in a new project, without a network: the packages that
 * it needs are packed from `node_modules`.
 *
 * @param linked - further packages of the checkout that the project gets as symbolic links
 */
export async function installPackedClient(linked: readonly string[] = []): Promise<ClientProject> {
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'cufflink-client-'));
  const npm = async (...args: string[]): Promise<void> => {
    await run('npm', [...args, '--silent', '--no-update-notifier'], { cwd: directory });
  };
  const folders = dependencies.map((name) => join(checkout, 'node_modules', name));
  await npm('pack', join(checkout, 'clients/typescript'));
  await npm('pack', '--ignore-scripts', ...folders);
  await writeFile(join(directory, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const tarballs = (await readdir(directory)).filter((name) => name.endsWith('.tgz'));
  const files = tarballs.map((name) => `./${name}`);
  await npm('install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', ...files);
  for (const name of linked) {
    const target = join(directory, 'node_modules', name);
    await mkdir(dirname(target), { recursive: true });
    await symlink(join(checkout, 'node_modules', name), target);
  }
  const tarball = tarballs.find((name) => name.startsWith('cufflink-client-')) ?? '';
  return {
    directory,
    tarball: join(directory, tarball),
    remove: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }),
  };
}
