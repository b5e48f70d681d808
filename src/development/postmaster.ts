import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The main process of a running PostgreSQL. */
export interface Postmaster {
  readonly processId: number;
  /** TCP port on 127.0.0.1; absent while it is still starting. */
  readonly port?: number;
}

/**
 * Finds the PostgreSQL that runs on a data directory, be it ready, starting or stopping.
 *
 * Its lock file, `postmaster.pid`, stays behind when it is killed. After a reboot or in a container, its process id
 * soon belongs to another process, and PostgreSQL refuses to start. This function tells the two apart by the command
 * line of the process. It marks a left-over file so that PostgreSQL, started by this process, takes it over.
 *
 * @param dataDirectory - absolute path; no other process may start PostgreSQL on it during the call
 * @throws Error when the directory was copied from one that is in use
 */
export async function findPostmaster(dataDirectory: string): Promise<Postmaster | undefined> {
  const lockFile = join(dataDirectory, 'postmaster.pid');
  const content = await readFile(lockFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      return '';
    }
    throw error;
  });
  const [processIdLine, recordedDirectory, , portLine] = content.split('\n');
  const processId = Number(processIdLine);
  const port = Number(portLine);
  if (!Number.isInteger(processId) || processId < 1 || !recordedDirectory || !isAlive(processId)) {
    return undefined;
  }
  if (!(await commandLine(processId)).includes(recordedDirectory)) {
    // PostgreSQL takes the id of its parent, which we will be, for a left-over one. Without the file, the key of its
    // shared memory would be lost too, and with it the check that no child of the killed server still writes.
    await writeFile(lockFile, content.replace(/^.*/, String(process.pid)));
    return undefined;
  }
  if (await areDifferentFolders(dataDirectory, recordedDirectory)) {
    throw new Error(
      `${dataDirectory} is a copy of ${recordedDirectory} made while PostgreSQL (process ${processId}) was running there. ` +
        `Stop that process and start again, or delete the copy.`,
    );
  }
  return Number.isInteger(port) && port > 0 ? { processId, port } : { processId };
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Returns an empty text when the process has just ended, or is a zombie. */
async function commandLine(processId: number): Promise<string> {
  return readFile(`/proc/${processId}/cmdline`, 'utf8').catch(async () => {
    const ps = promisify(execFile)('ps', ['-o', 'command=', '-p', String(processId)]);
    return ps.then(
      ({ stdout }) => stdout,
      () => '',
    );
  });
}

/** Compares folders, not paths: a checkout that was moved while in use still has the same folder. */
async function areDifferentFolders(folder: string, recordedFolder: string): Promise<boolean> {
  const recorded = await stat(recordedFolder).catch(() => undefined);
  const { dev, ino } = await stat(folder);
  return recorded !== undefined && (recorded.dev !== dev || recorded.ino !== ino);
}
