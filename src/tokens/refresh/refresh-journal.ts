import { randomUUID } from 'node:crypto';
import { access, constants, mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { BackgroundJobs } from '../../clock/background-jobs.js';
import { AppError, codeOf } from '../../errors/app-error.js';
import { TokenUnreadableError } from '../../errors/connection.errors.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { registrationId } from '../../provider-kit/registration.js';
import { VaultService } from '../../vault/vault.service.js';
import { ConnectionStore } from '../store/connection-store.js';
import type { ConnectionKey, LinkKey, SealedTokenSet } from '../store/connection.js';
import {
  formatEntry,
  keyOf,
  linesOf,
  openOwner,
  parseEntry,
  type EntryKind,
  type JournalEntry,
} from './journal-entry.js';
import { JournalFiles } from './journal-files.js';
import { JournalRecovery } from './journal-recovery.js';
import { isAbsent, type JournalSegments, segmentExtension } from './journal-segments.js';
import { RefreshRecorder } from './refresh-recorder.js';
import { RevocationOutbox } from '../revocation/revocation-outbox.js';
import { TokenVault } from '../store/token-vault.js';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';
import { journalFailures } from '../tokens.metrics.js';

/** How often the journal is searched, in milliseconds. A file that is found twice was left over. */
const replayIntervalMs = 5_000;
/** How often kept entries that need no longer be kept are erased, in milliseconds. */
const tidyIntervalMs = 60_000;
/** How often a search of all files is repeated because a file was taken over or removed in the meantime. */
const maxLooks = 100;
/** File extension for files with an unreadable entry, kept for the operator. */
const damagedExtension = '.damaged';

/**
 * Keeps each refreshed token set on disk from the provider's response until it is committed. So neither a killed
 * process nor an unavailable database loses the only valid tokens of a connection.
 *
 * An entry is one line, flushed to the disk. A cut-off line at the end of a file was never acknowledged. Replaying an
 * entry is the same compare-and-set as the save that did not happen. So any process with the directory may do it, any
 * number of times. The user's id is sealed too: a file may outlive the user (LOG-08). Without a directory nothing is
 * kept.
 */
@Injectable()
export class RefreshJournal implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(RefreshJournal.name);
  private readonly segments: JournalSegments | undefined;
  private metBefore: ReadonlySet<string> = new Set();

  constructor(
    private readonly store: ConnectionStore,
    private readonly recorder: RefreshRecorder,
    private readonly outbox: RevocationOutbox,
    private readonly recovery: JournalRecovery,
    private readonly tokenVault: TokenVault,
    private readonly registry: ProviderRegistry,
    private readonly vault: VaultService,
    files: JournalFiles,
    jobs: BackgroundJobs,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {
    this.segments = files.segments;
    if (files.segments !== undefined) {
      this.repeat(jobs, 'replay', replayIntervalMs, () => this.replayLeftOvers());
      this.repeat(jobs, 'tidy', tidyIntervalMs, () => this.tidy());
    }
  }

  private repeat(jobs: BackgroundJobs, name: string, intervalMs: number, work: () => Promise<void>): void {
    jobs.add('everywhere', {
      name: `${RefreshJournal.name} ${name}`,
      firstRunInMs: intervalMs,
      run: async () => {
        await this.logFailure(work());
        return intervalMs;
      },
    });
  }

  /**
   * Commits entries that an earlier process could not commit, and restores token sets that the database has lost since.
   * Background jobs then repeat both checks.
   *
   * @throws Error when the directory cannot be written
   */
  async onApplicationBootstrap(): Promise<void> {
    const { journalDirectory } = this.config;
    if (journalDirectory === undefined) {
      return;
    }
    await prepareDirectory(journalDirectory);
    await this.takeOver(await this.list());
    await this.logFailure(this.tidy());
  }

  /** Called when all refreshes have ended. */
  async onApplicationShutdown(): Promise<void> {
    await this.segments?.close();
  }

  /**
   * Writes an entry. If the journal cannot be written, that is logged for the operator, and the tokens are still used.
   *
   * @param replaced - the row, with the generation that is replaced
   * @param tokens - the sealed set that replaces it
   * @param kind - how it is stored
   */
  async record(replaced: LinkKey, tokens: SealedTokenSet, kind: EntryKind): Promise<void> {
    try {
      await this.segments?.append(keyOf(replaced), formatEntry(this.vault, replaced, tokens, kind));
    } catch (error) {
      journalFailures.inc();
      this.logger.error(error instanceof Error ? error : new Error('The journal could not be written.'));
    }
  }

  /** Forgets an entry that was committed or is no longer needed. */
  async forget(key: ConnectionKey): Promise<void> {
    try {
      await this.segments?.forget(keyOf(key));
    } catch (error) {
      // It is replayed later, without effect.
      this.logger.error(error instanceof Error ? error : new Error('The journal could not be cleared.'));
    }
  }

  /**
   * Commits the entry for exactly this token set, if there is one, before its refresh token is sent again.
   *
   * @returns whether there was one
   * @throws {@link DatabaseUnavailableError} when it cannot be committed now; the refresh token must not be sent
   */
  async replay(key: ConnectionKey): Promise<boolean> {
    const entry = await this.find(key);
    if (entry === undefined) {
      return false;
    }
    if ((await this.commitInTurn({ ...entry, userId: key.userId })) !== 'waiting') {
      await this.forget(key);
    }
    return true;
  }

  /**
   * Restores lost token sets, if the database may have lost any, before a refresh token is sent.
   *
   * @param key - as leased
   * @returns whether the row now has another token set; the one that was read must not be used
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError} when this cannot be determined now; the
   *   refresh token must not be sent
   */
  async hasCaughtUp({ userId, provider, secretGen }: ConnectionKey): Promise<boolean> {
    return (await this.recovery.catchUp()) && (await this.store.find(userId, provider))?.secretGen !== secretGen;
  }

  /** Erases the kept entries of an ended connection. */
  async erase(connectionId: string): Promise<void> {
    await this.segments?.clear();
    await this.recovery.erase(connectionId);
  }

  /** Erases kept entries of ended connections, and old ones. */
  tidy(): Promise<void> {
    return this.recovery.tidy();
  }

  /** Looks again when a file was not there any more: it may have another name by now. */
  private async find(key: ConnectionKey): Promise<JournalEntry | undefined> {
    for (let look = 0; look < maxLooks; look += 1) {
      const files = await Promise.all((await this.list()).map((file) => this.read(file)));
      // Most files do not mention the connection, and need not be parsed.
      const entry = files
        .flatMap((bytes) => (bytes?.includes(key.id) === true ? linesOf(bytes).map(parseEntry) : []))
        .find((each) => each !== undefined && keyOf(each) === keyOf(key));
      if (entry !== undefined || !files.includes(undefined)) {
        return entry;
      }
    }
    throw new Error(`The journal changed ${maxLooks} times during reading.`);
  }

  private async replayLeftOvers(): Promise<void> {
    const files = await this.list();
    // The others belong to refreshes under way.
    await this.takeOver(files.filter((file) => this.metBefore.has(file)));
    this.metBefore = new Set(files);
    await this.recovery.catchUp();
  }

  /** Logs a failure of the work. The next round tries it again. */
  private async logFailure(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (error instanceof AppError) {
        this.logger.warn(`The journal could not be searched (${error.code}).`);
      } else {
        this.logger.error(error instanceof Error ? error : new Error('The journal could not be searched.'));
      }
    }
  }

  private async list(): Promise<string[]> {
    const { journalDirectory } = this.config;
    const names = journalDirectory === undefined ? [] : await readdir(journalDirectory);
    return names.filter((name) => name.endsWith(segmentExtension)).map((name) => join(journalDirectory ?? '', name));
  }

  /**
   * Commits the entries of these files. Renaming a file tells its writer and its readers that it is no longer theirs. A
   * file that cannot be processed does not block the others.
   */
  private async takeOver(files: readonly string[]): Promise<void> {
    for (const file of files) {
      const taken = join(file, '..', `${randomUUID()}${segmentExtension}`);
      try {
        await rename(file, taken);
        await this.replayFile(taken);
      } catch (error) {
        if (!isAbsent(error)) {
          this.logger.error(error instanceof Error ? error : new Error(`The journal's ${file} could not be replayed.`));
        }
      }
    }
  }

  private async replayFile(file: string): Promise<void> {
    const bytes = await this.read(file);
    if (bytes === undefined) {
      return;
    }
    const entries = bytes === null ? [undefined] : linesOf(bytes).map(parseEntry);
    const outcomes: ReplayOutcome[] = [];
    const ended = new Set<string>();
    for (const entry of entries) {
      const outcome = entry === undefined ? 'damaged' : await this.replayEntry(entry);
      outcomes.push(outcome);
      if (entry !== undefined && outcome === 'ended') {
        ended.add(entry.id);
      }
    }
    if (outcomes.includes('waiting')) {
      return;
    }
    if (outcomes.includes('damaged')) {
      this.logger.error(`The journal has an unreadable entry. It is kept in ${file}${damagedExtension}.`);
      await rename(file, `${file}${damagedExtension}`);
    } else {
      await this.recovery.keep(file, ended);
    }
  }

  private async replayEntry(entry: JournalEntry): Promise<ReplayOutcome> {
    try {
      const { userId } = await openOwner(this.vault, entry);
      return await this.commitInTurn({ ...entry, userId });
    } catch (error) {
      if (error instanceof TokenUnreadableError) {
        return 'damaged';
      }
      if (!(error instanceof AppError)) {
        this.logger.error(error);
      }
      this.logger.warn(
        `Journal: the refreshed tokens of connection ${entry.id} are not committed yet (${codeOf(error)}).`,
      );
      return 'waiting';
    }
  }

  private commitInTurn(entry: JournalEntry & ConnectionKey): Promise<'done' | 'ended' | 'waiting'> {
    return this.recorder.inTurn(entry.id, () => this.commit(entry));
  }

  /** @returns `done` or `ended` when the tokens are stored or not wanted, and the audit trail has an entry */
  private async commit(entry: JournalEntry & ConnectionKey): Promise<'done' | 'ended' | 'waiting'> {
    const isRotated = entry.kind === 'rotated';
    if (await (isRotated ? this.store.saveRotated(entry, entry) : this.store.saveRefreshed(entry, entry))) {
      this.logger.warn(`Journal: the refreshed tokens of connection ${entry.id} are committed.`);
      const outcome = isRotated ? 'TOKEN_RESPONSE_INVALID' : 'refreshed';
      return (await this.recorder.record(entry, outcome)) ? 'done' : 'waiting';
    }
    const current = await this.store.find(entry.userId, entry.provider);
    if (current === undefined) {
      await this.revokeGrant(entry);
      return 'ended';
    }
    const isStored = !isRotated && current.id === entry.id && current.secretGen === entry.secretGen + 1;
    // A new link, which has its own audit entry, is no refresh.
    const storedAt = isStored ? current.lastRefreshedAt : null;
    return storedAt === null || (await this.recorder.recordOnce(entry, storedAt)) ? 'done' : 'waiting';
  }

  /**
   * Revokes the grant of a connection that was unlinked before its tokens could be committed. They are the last tokens
   * of the grant, and exist only here (TE-11).
   */
  private async revokeGrant(entry: JournalEntry & ConnectionKey): Promise<void> {
    const provider = this.registry.has(entry.provider) ? this.registry.get(entry.provider) : undefined;
    if (provider?.definition.revocation === undefined) {
      return;
    }
    const place = { ...entry, registrationId: registrationId(provider), secretGen: entry.secretGen + 1 };
    const tokens = await this.tokenVault.openIfReadable(place);
    if (tokens === undefined) {
      this.logger.error(
        `Journal: the tokens of connection ${entry.id} cannot be decrypted. The connection no longer exists, and its grant is not revoked.`,
      );
      return;
    }
    await this.outbox.revokeLater(place, tokens);
    this.logger.warn(`Journal: connection ${entry.id} no longer exists. The grant of its refreshed tokens is revoked.`);
    await this.recorder.record(entry, 'superseded');
  }

  /** Returns the content of a file: `undefined` when it is gone, `null` when it cannot be read. */
  private async read(file: string): Promise<Buffer | null | undefined> {
    try {
      return await readFile(file);
    } catch (error) {
      if (isAbsent(error)) {
        return undefined;
      }
      this.logger.error(error instanceof Error ? error : new Error(`The journal's ${file} could not be read.`));
      return null;
    }
  }
}

/** The result for an entry: finished, its connection was removed, it is retried, or it is unreadable. */
type ReplayOutcome = 'done' | 'ended' | 'waiting' | 'damaged';

/** @throws Error that names the setting, when nothing can be written there */
async function prepareDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Error('REFRESH_JOURNAL_DIRECTORY names a directory that cannot be written.', { cause: error });
  }
}
