import { existsSync, readFileSync, renameSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { readMemory, writeMemory, type RememberedState } from './provider-memory.js';

/**
 * Keeps the grants of one fake provider in a file, so that connections survive a restart of the sandbox.
 *
 * A new file replaces the old one in one step. So a killed process leaves one of both, complete.
 */
export class MemoryFile {
  #written = '';
  #writing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /**
   * @param file - in a folder that exists
   * @param report - reports a problem in one line
   */
  constructor(
    private readonly file: string,
    private readonly state: RememberedState,
    private readonly report: (line: string) => void,
  ) {}

  /** Loads the state of an earlier process. A damaged file is set aside and reported. */
  load(): void {
    if (!existsSync(this.file)) {
      return;
    }
    const text = readFileSync(this.file, 'utf8');
    try {
      readMemory(text, this.state);
      this.#written = text;
    } catch {
      const aside = `${this.file}.damaged-${Date.now()}`;
      renameSync(this.file, aside);
      this.report(`The sandbox cannot read ${this.file}, so it forgets these grants. The file is now ${aside}.`);
    }
  }

  /**
   * Resolves once the file has the present state. Calls that come while a write runs share the next one. If the file
   * cannot be written, the sandbox reports it and continues with its state in memory.
   */
  save(): Promise<void> {
    if (this.#writing === undefined) {
      this.#writing = this.#write().finally(() => (this.#writing = undefined));
      return this.#writing;
    }
    this.#next ??= this.#writing.then(() => {
      this.#next = undefined;
      return this.save();
    });
    return this.#next;
  }

  async #write(): Promise<void> {
    const text = writeMemory(this.state);
    if (text === this.#written) {
      return;
    }
    try {
      await writeFile(`${this.file}.new`, text, { mode: 0o600, flush: true });
      await rename(`${this.file}.new`, this.file);
      this.#written = text;
    } catch (error) {
      this.report(`The sandbox cannot write ${this.file} and will forget grants when it stops: ${String(error)}`);
    }
  }
}
