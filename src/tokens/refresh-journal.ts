import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { z } from 'zod';
import { AppError } from '../errors/app-error.js';
import { ConnectionStore, type ConnectionKey, type SealedTokens } from './connection-store.js';
import { tokensConfig, type TokensConfig } from './tokens.config.js';

/** How often the journal is looked through, in milliseconds. An entry that is met twice was left over by somebody. */
const replayIntervalMs = 5_000;

/** One refreshed token set on its way into the database. The tokens are sealed for their row already. */
const entrySchema = z.object({
  userId: z.string(),
  provider: z.string(),
  id: z.uuid(),
  secretGen: z.int(),
  sealed: z.base64().transform((text) => Buffer.from(text, 'base64')),
  scopesGranted: z.array(z.string()).nullable(),
  expiresAt: z.coerce.date().nullable(),
  refreshable: z.boolean(),
  refreshExpiresAt: z.coerce.date().nullable(),
  // Counted anew from the replay: no clock tells how long the entry lay there, and callers refresh it in any case.
  refreshDueInMs: z.number().min(0).nullable().default(0),
});

/**
 * Keeps each refreshed token set on disk from the provider's answer until it is committed, so that neither a killed process nor
 * a database that stays away loses the only live tokens of a connection.
 *
 * Entries are written whole or not at all, and flushed to the disk. Replaying one is the same compare-and-set as the save that
 * did not happen, so it may be done by anybody and any number of times. Without a directory nothing is kept.
 */
@Injectable()
export class RefreshJournal implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(RefreshJournal.name);
  private timer: NodeJS.Timeout | undefined;
  private replaying: Promise<void> | undefined;
  private metBefore: ReadonlySet<string> = new Set();

  constructor(
    private readonly store: ConnectionStore,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {}

  /** Commits what an earlier process could not, and goes on to look for such entries. */
  async onApplicationBootstrap(): Promise<void> {
    const { journalDirectory } = this.config;
    if (journalDirectory === undefined) {
      return;
    }
    await mkdir(journalDirectory, { recursive: true, mode: 0o700 });
    await this.replayAll(await this.list(journalDirectory));
    this.timer = setInterval(() => {
      this.replaying ??= this.replayLeftOvers(journalDirectory).finally(() => {
        this.replaying = undefined;
      });
    }, replayIntervalMs).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.replaying;
  }

  private async replayLeftOvers(directory: string): Promise<void> {
    try {
      const files = await this.list(directory);
      // The others belong to refreshes under way.
      await this.replayAll(files.filter((file) => this.metBefore.has(file)));
      this.metBefore = new Set(files);
    } catch (error) {
      this.logger.error(error instanceof Error ? error : new Error('The journal could not be read.'));
    }
  }

  private async list(directory: string): Promise<string[]> {
    const names = await readdir(directory);
    return names.filter((name) => name.endsWith('.json')).map((name) => join(directory, name));
  }

  private async replayAll(files: readonly string[]): Promise<void> {
    for (const file of files) {
      await this.replayFile(file);
    }
  }

  /**
   * Writes an entry down. A journal that cannot be written is an operator's trouble and no reason to drop the tokens.
   *
   * @param key - the row, with the generation that is replaced
   * @param tokens - the sealed set that replaces it
   */
  async record(key: ConnectionKey, tokens: SealedTokens): Promise<void> {
    const file = this.fileOf(key);
    if (file === undefined) {
      return;
    }
    const { userId, provider, id, secretGen } = key;
    const entry = { userId, provider, id, secretGen, ...tokens, sealed: tokens.sealed.toString('base64') };
    try {
      const handle = await open(`${file}.part`, 'w', 0o600);
      try {
        await handle.writeFile(JSON.stringify(entry));
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(`${file}.part`, file);
      await this.flushDirectory();
    } catch (error) {
      this.logger.error(error instanceof Error ? error : new Error('The journal could not be written.'));
    }
  }

  /** Forgets an entry that was committed or is not wanted any more. */
  async forget(key: ConnectionKey): Promise<void> {
    const file = this.fileOf(key);
    if (file === undefined) {
      return;
    }
    try {
      await rm(file, { force: true });
    } catch (error) {
      // It is replayed at the next start, to no effect.
      this.logger.error(error instanceof Error ? error : new Error('The journal could not be cleared.'));
    }
  }

  /**
   * Commits the entry for this very token set, if there is one: before its refresh token is sent again.
   *
   * @returns whether there was one, committed or not
   */
  async replay(key: ConnectionKey): Promise<boolean> {
    const file = this.fileOf(key);
    return file !== undefined && (await this.replayFile(file));
  }

  private async replayFile(file: string): Promise<boolean> {
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
        return false;
      }
      throw error;
    }
    const entry = entrySchema.safeParse(parseJson(text));
    if (!entry.success) {
      this.logger.error(`The journal entry ${file} cannot be read and stays where it is.`);
      return false;
    }
    try {
      const committed = await this.store.saveRefreshed(entry.data, entry.data);
      const outcome = committed ? 'committed' : 'not needed any more';
      this.logger.warn(`Journal: the refreshed tokens of connection ${entry.data.id} are ${outcome}.`);
      await rm(file, { force: true });
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      this.logger.warn(`Journal: the tokens of connection ${entry.data.id} wait for the database (${error.code}).`);
    }
    return true;
  }

  /** A new name survives a loss of power only when its directory is on the disk as well. */
  private async flushDirectory(): Promise<void> {
    const handle = await open(this.config.journalDirectory ?? '.', 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  private fileOf(key: ConnectionKey): string | undefined {
    const { journalDirectory } = this.config;
    return journalDirectory === undefined ? undefined : join(journalDirectory, `${key.id}.${key.secretGen}.json`);
  }
}

/** A file that was damaged is no reason not to start. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
