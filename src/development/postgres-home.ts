import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';

import type { PostgresBinaries } from './postgres-binaries.js';
import { type Account, chooseUnprivilegedAccount } from './unprivileged-account.js';

/** The directories of one PostgreSQL, and the user that runs it. */
export interface PostgresHome {
  /** Absolute path of a folder with mode 0700 that belongs to the user PostgreSQL runs as. */
  readonly folder: string;
  /** Absolute path of the folder with `bin/`, `lib/` and `share/`; that user can reach it. */
  readonly binariesFolder: string;
  /** The user to become; absent when PostgreSQL runs as the user we are. */
  readonly account?: Account;
}

/** The parts of this machine that {@link preparePostgresHome} uses when root runs it. */
export interface RootSurroundings {
  /** The list of users, usually `/etc/passwd`. */
  readonly passwdFile: string;
  /** Directory for data out of that user's reach; usually `/var/lib/cufflink`, made when needed. */
  readonly reachableFolder: string;
}

/**
 * Makes the folder `postgres` in a directory, usable by the system user of PostgreSQL.
 *
 * For an ordinary user that is a plain folder. Root must give it to another user, because PostgreSQL refuses to run as
 * root. If that user cannot reach the directory (a checkout in `/root`), the folder is made below
 * `surroundings.reachableFolder`, and `postgres` is a link to it. If that user cannot reach the programs, they are
 * copied to the same place, once per version. Permissions and owners of everything else stay as they are.
 *
 * @param directory - existing, absolute and without links; its owner never changes
 * @param binaries - the programs as installed
 * @param surroundings - used by root only
 * @throws Error when the folder belongs to another user, or its owner can no longer reach it
 */
export async function preparePostgresHome(
  directory: string,
  binaries: PostgresBinaries,
  surroundings: RootSurroundings,
): Promise<PostgresHome> {
  const entry = join(directory, 'postgres');
  const existing = await findStats(entry);
  if (process.getuid?.() !== 0) {
    if (existing !== undefined && existing.uid !== process.getuid?.()) {
      throw new Error(
        `${entry} belongs to another user. Start as the user (or root) you started as before, or delete it.`,
      );
    }
    await mkdir(entry, { recursive: true, mode: 0o700 });
    return { folder: entry, binariesFolder: binaries.folder };
  }

  const folder = await prepareFolderAsRoot(directory, entry, existing, surroundings);
  const { uid, gid } = await stat(folder);
  const account = { uid, gid };
  if (!(await canEnter(account, folder))) {
    throw new Error(
      `User ${uid}, who owns ${folder}, can no longer enter a folder above it. Let it, or delete ${entry}.`,
    );
  }
  const program = join(binaries.folder, 'bin', 'postgres');
  const binariesFolder = (await canEnter(account, program))
    ? binaries.folder
    : await copyBinaries(binaries, surroundings.reachableFolder);
  return { folder, binariesFolder, account };
}

async function prepareFolderAsRoot(
  directory: string,
  entry: string,
  existing: Stats | undefined,
  surroundings: RootSurroundings,
): Promise<string> {
  if (existing?.isSymbolicLink()) {
    const linked = await findLinkedFolder(directory, entry, surroundings.reachableFolder);
    if (linked !== undefined) {
      return linked;
    }
    await rm(entry);
  } else if (existing !== undefined && existing.uid !== 0) {
    return entry;
  }

  const account = chooseUnprivilegedAccount(await readFile(surroundings.passwdFile, 'utf8'));
  if (await canEnter(account, directory)) {
    await mkdir(entry, { recursive: true, mode: 0o700 });
    await chown(entry, account.uid, account.gid);
    return entry;
  }
  await makeReachableFolder(surroundings.reachableFolder);
  const folder = await mkdtemp(join(surroundings.reachableFolder, 'checkout-'));
  await writeFile(originFile(folder), directory, { mode: 0o600 });
  await chown(folder, account.uid, account.gid);
  await symlink(folder, entry);
  return folder;
}

/**
 * Follows the link of an earlier start. A moved checkout keeps its data. A copied one, whose link was copied too, gets
 * its own, so that two checkouts never share a database.
 */
async function findLinkedFolder(
  directory: string,
  entry: string,
  reachableFolder: string,
): Promise<string | undefined> {
  const folder = await readlink(entry);
  // We are root: a link by another user must not make us use any other place.
  if (dirname(folder) !== reachableFolder || (await findStats(folder)) === undefined) {
    return undefined;
  }
  const origin = await readFile(originFile(folder), 'utf8');
  if (origin !== directory) {
    const originLink = await readlink(join(origin, 'postgres')).catch(() => undefined);
    if (originLink === folder) {
      return undefined;
    }
    await writeFile(originFile(folder), directory);
  }
  return folder;
}

function originFile(folder: string): string {
  return `${folder}.origin`;
}

async function copyBinaries(binaries: PostgresBinaries, reachableFolder: string): Promise<string> {
  const target = join(reachableFolder, `binaries-${binaries.version}`);
  if ((await findStats(target)) !== undefined) {
    return target;
  }
  await makeReachableFolder(reachableFolder);
  const unfinished = `${target}.${randomBytes(6).toString('hex')}`;
  try {
    await cp(binaries.folder, unfinished, {
      recursive: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
    });
    await letEverybodyRead(unfinished);
    await rename(unfinished, target);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another checkout's start, under a lock of its own, may have been faster.
    if ((await findStats(target)) === undefined) {
      throw error;
    }
  }
  return target;
}

/** Undoes a umask such as 077, with which npm makes files that only their owner can read. */
async function letEverybodyRead(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) {
      await chmod(path, 0o755);
    } else if (entry.isFile()) {
      const { mode } = await stat(path);
      await chmod(path, mode & 0o100 ? 0o755 : 0o644);
    }
  }
}

async function makeReachableFolder(folder: string): Promise<void> {
  if ((await findStats(folder)) === undefined) {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
  }
}

/** Whether an account may pass every folder above a path and enter (or run) the path itself. */
async function canEnter(account: Account, path: string): Promise<boolean> {
  const names = path.split(sep);
  for (let length = 1; length <= names.length; length += 1) {
    if (!mayEnter(account, await stat(names.slice(0, length).join(sep) || sep))) {
      return false;
    }
  }
  return true;
}

function mayEnter(account: Account, { uid, gid, mode }: Stats): boolean {
  if (uid === account.uid) {
    return (mode & 0o100) !== 0;
  }
  return (mode & (gid === account.gid ? 0o010 : 0o001)) !== 0;
}

async function findStats(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      return undefined;
    }
    throw error;
  });
}
