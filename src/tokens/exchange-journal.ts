import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { isAbsent } from './journal-segments.js';
import { tokensConfig, type TokensConfig } from './tokens.config.js';

const extension = '.exchange';

/**
 * Keeps what an exchange of a grant has brought on disk until it is committed, so that a run that is killed in between, or a database that
 * stays away, loses nothing: one small file for each, in the directory of the journal of refreshes. The tokens are sealed for their row;
 * nothing beside them names the user. Without a directory nothing is kept.
 */
@Injectable()
export class ExchangeJournal {
  private readonly logger = new Logger(ExchangeJournal.name);
  private readonly directory: string | undefined;

  constructor(@Inject(tokensConfig.KEY) { journalDirectory }: TokensConfig) {
    this.directory = journalDirectory;
  }

  /**
   * Writes an entry down. A disk that cannot be written is no reason to drop the tokens.
   *
   * @param key - names the exchange; letters, digits and `-`
   */
  async record(key: string, sealed: Buffer): Promise<void> {
    if (this.directory === undefined) {
      return;
    }
    try {
      await writeFile(join(this.directory, key + extension), sealed, { mode: 0o600, flush: true });
    } catch (error) {
      this.logger.error(
        error instanceof Error ? error : new Error('The exchange could not be written to the journal.'),
      );
    }
  }

  /** Returns the entry of an exchange, if there is one; half of one, where the process died while it wrote. */
  async find(key: string): Promise<Buffer | undefined> {
    if (this.directory === undefined) {
      return undefined;
    }
    try {
      return await readFile(join(this.directory, key + extension));
    } catch (error) {
      if (isAbsent(error)) {
        return undefined;
      }
      throw error;
    }
  }

  /** Returns the keys of all entries. */
  async list(): Promise<string[]> {
    const names = this.directory === undefined ? [] : await readdir(this.directory);
    return names.filter((name) => name.endsWith(extension)).map((name) => name.slice(0, -extension.length));
  }

  /** Forgets an entry that was committed or is not wanted any more. */
  async forget(key: string): Promise<void> {
    if (this.directory !== undefined) {
      await rm(join(this.directory, key + extension), { force: true });
    }
  }
}
