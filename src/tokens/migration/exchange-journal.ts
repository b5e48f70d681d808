import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { isAbsent } from '../refresh/journal-segments.js';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';

const extension = '.exchange';

/**
 * Keeps the result of a grant exchange on disk until it is committed, so that a killed process or an unavailable
 * database loses nothing. Each result is one small file in the directory of the refresh journal. The tokens are sealed
 * for their row; nothing else in the file names the user. Without a directory nothing is kept.
 */
@Injectable()
export class ExchangeJournal {
  private readonly logger = new Logger(ExchangeJournal.name);
  private readonly directory: string | undefined;

  constructor(@Inject(tokensConfig.KEY) { journalDirectory }: TokensConfig) {
    this.directory = journalDirectory;
  }

  /**
   * Writes an entry. If the disk cannot be written, the tokens are still used.
   *
   * @param key - identifies the exchange; letters, digits and `-`
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

  /** Returns the entry of an exchange, if there is one. It is cut off if the process died while writing it. */
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

  /** Removes an entry that was committed or is no longer needed. */
  async forget(key: string): Promise<void> {
    if (this.directory !== undefined) {
      await rm(join(this.directory, key + extension), { force: true });
    }
  }
}
