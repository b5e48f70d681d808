import { randomUUID } from 'node:crypto';
import { access, constants, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { z } from 'zod';
import { PeriodicTask } from '../clock/periodic-task.js';
import { AppError, codeOf } from '../errors/app-error.js';
import { TokenUnreadableError } from '../errors/connection.errors.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { registrationId } from '../provider-kit/registration.js';
import type { SealContext } from '../vault/associated-data.js';
import { VaultService } from '../vault/vault.service.js';
import { ConnectionStore, type ConnectionKey, type SealedTokens } from './connection-store.js';
import { isAbsent, JournalSegments, segmentExtension } from './journal-segments.js';
import { RefreshOutcomes } from './refresh-outcomes.js';
import { RevocationOutbox } from './revocation-outbox.js';
import { TokenVault } from './token-vault.js';
import { tokensConfig, type TokensConfig } from './tokens.config.js';
import { journalFailures } from './tokens.metrics.js';

/** How often the journal is looked through, in milliseconds. A file that is met twice was left over by somebody. */
const replayIntervalMs = 5_000;
/** How often a look at all files is repeated because one of them was taken over or removed meanwhile. */
const maxLooks = 100;
/** Files that hold an entry nobody can read are kept under this name for the operator. */
const damagedExtension = '.damaged';

/** `rotated`: only the refresh token is new, because the rest of the answer was refused. */
const entryKindSchema = z.enum(['refreshed', 'rotated']);

export type EntryKind = z.output<typeof entryKindSchema>;

/** One refreshed token set on its way into the database. The tokens are sealed for their row already. */
const entrySchema = z.object({
  owner: z.base64().transform((text) => Buffer.from(text, 'base64')),
  provider: z.string(),
  id: z.uuid(),
  secretGen: z.int(),
  kind: entryKindSchema.default('refreshed'),
  sealed: z.base64().transform((text) => Buffer.from(text, 'base64')),
  scopesGranted: z.array(z.string()).nullable(),
  expiresAt: z.coerce.date().nullable(),
  refreshable: z.boolean(),
  refreshExpiresAt: z.coerce.date().nullable(),
  // Counted anew from the replay: no clock tells how long the entry lay there, and callers refresh it in any case.
  refreshDueInMs: z.number().min(0).nullable().default(0),
});

type JournalEntry = z.output<typeof entrySchema>;

const ownerSchema = z.object({ userId: z.string() });

/**
 * Keeps each refreshed token set on disk from the provider's answer until it is committed, so that neither a killed process nor
 * a database that stays away loses the only live tokens of a connection.
 *
 * An entry is a line, flushed to the disk; half a line at the end of a file was never acknowledged. Replaying one is the same
 * compare-and-set as the save that did not happen, so it may be done by anybody who has the directory, and any number of times.
 * The user's id is sealed too: a file may outlive the user (LOG-08).
 * Without a directory nothing is kept.
 */
@Injectable()
export class RefreshJournal implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly logger = new Logger(RefreshJournal.name);
  private readonly segments: JournalSegments | undefined;
  private readonly replaying = new PeriodicTask(() => this.replayLeftOvers());
  private metBefore: ReadonlySet<string> = new Set();

  constructor(
    private readonly store: ConnectionStore,
    private readonly outcomes: RefreshOutcomes,
    private readonly outbox: RevocationOutbox,
    private readonly tokenVault: TokenVault,
    private readonly registry: ProviderRegistry,
    private readonly vault: VaultService,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {
    const { journalDirectory } = config;
    this.segments = journalDirectory === undefined ? undefined : new JournalSegments(journalDirectory);
  }

  /**
   * Commits what an earlier process could not, and goes on to look for such entries.
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
    this.replaying.start(replayIntervalMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.replaying.stop();
  }

  /** Refreshes have ended by now. */
  async onApplicationShutdown(): Promise<void> {
    await this.segments?.close();
  }

  /**
   * Writes an entry down. A journal that cannot be written is an operator's trouble and no reason to drop the tokens.
   *
   * @param key - the row, with the generation that is replaced
   * @param tokens - the sealed set that replaces it
   * @param kind - how it is stored
   */
  async record(key: ConnectionKey, tokens: SealedTokens, kind: EntryKind): Promise<void> {
    if (this.segments === undefined) {
      return;
    }
    const { userId, provider, id, secretGen } = key;
    try {
      const owner = this.vault.seal({ userId }, ownerContext(key)).toString('base64');
      const entry = { owner, provider, id, secretGen, kind, ...tokens, sealed: tokens.sealed.toString('base64') };
      await this.segments.append(keyOf(key), JSON.stringify(entry));
    } catch (error) {
      journalFailures.inc();
      this.logger.error(error instanceof Error ? error : new Error('The journal could not be written.'));
    }
  }

  /** Forgets an entry that was committed or is not wanted any more. */
  async forget(key: ConnectionKey): Promise<void> {
    try {
      await this.segments?.forget(keyOf(key));
    } catch (error) {
      // It is replayed later, to no effect.
      this.logger.error(error instanceof Error ? error : new Error('The journal could not be cleared.'));
    }
  }

  /**
   * Commits the entry for this very token set, if there is one: before its refresh token is sent again.
   *
   * @returns whether there was one
   * @throws {@link DatabaseUnavailableError} when it cannot be committed now; the refresh token must not be sent
   */
  async replay(key: ConnectionKey): Promise<boolean> {
    const entry = await this.find(key);
    if (entry === undefined) {
      return false;
    }
    if (await this.commit({ ...entry, userId: key.userId })) {
      await this.forget(key);
    }
    return true;
  }

  /** Looks again when a file was not there any more: it may have another name by now. */
  private async find(key: ConnectionKey): Promise<JournalEntry | undefined> {
    for (let look = 0; look < maxLooks; look += 1) {
      const files = await Promise.all((await this.list()).map((file) => this.read(file)));
      // Most files hold nothing of it, and need not be taken apart.
      const entry = files
        .flatMap((bytes) => (bytes?.includes(key.id) === true ? parseEntries(bytes) : []))
        .find((each) => each !== undefined && keyOf(each) === keyOf(key));
      if (entry !== undefined || !files.includes(undefined)) {
        return entry;
      }
    }
    throw new Error(`The journal changed ${maxLooks} times while it was read.`);
  }

  private async replayLeftOvers(): Promise<void> {
    try {
      const files = await this.list();
      // The others belong to refreshes under way.
      await this.takeOver(files.filter((file) => this.metBefore.has(file)));
      this.metBefore = new Set(files);
    } catch (error) {
      this.logger.error(error instanceof Error ? error : new Error('The journal could not be read.'));
    }
  }

  private async list(): Promise<string[]> {
    const { journalDirectory } = this.config;
    const names = journalDirectory === undefined ? [] : await readdir(journalDirectory);
    return names.filter((name) => name.endsWith(segmentExtension)).map((name) => join(journalDirectory ?? '', name));
  }

  /**
   * Commits what is in the files. A new name tells who writes to a file, or reads it too, that it is not theirs any more. A file that
   * cannot be worked with is in nobody's way.
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
    const entries = bytes === null ? [undefined] : parseEntries(bytes);
    const outcomes: ReplayOutcome[] = [];
    for (const entry of entries) {
      outcomes.push(entry === undefined ? 'damaged' : await this.replayEntry(entry));
    }
    if (outcomes.includes('waiting')) {
      return;
    }
    if (outcomes.includes('damaged')) {
      this.logger.error(`The journal has an entry that cannot be read. It stays in ${file}${damagedExtension}.`);
      await rename(file, `${file}${damagedExtension}`);
    } else {
      await rm(file, { force: true });
    }
  }

  private async replayEntry(entry: JournalEntry): Promise<ReplayOutcome> {
    try {
      const { userId } = ownerSchema.parse(await this.vault.open(entry.owner, ownerContext(entry)));
      return (await this.commit({ ...entry, userId })) ? 'done' : 'waiting';
    } catch (error) {
      if (error instanceof TokenUnreadableError) {
        return 'damaged';
      }
      if (!(error instanceof AppError)) {
        this.logger.error(error);
      }
      this.logger.warn(`Journal: the tokens of connection ${entry.id} wait (${codeOf(error)}).`);
      return 'waiting';
    }
  }

  /** @returns whether nothing remains to be done with the entry: the tokens are stored or not wanted, and the audit trail tells so */
  private async commit(entry: JournalEntry & ConnectionKey): Promise<boolean> {
    const isRotated = entry.kind === 'rotated';
    if (await (isRotated ? this.store.keepRotated(entry, entry) : this.store.saveRefreshed(entry, entry))) {
      this.logger.warn(`Journal: the refreshed tokens of connection ${entry.id} are committed.`);
      return this.outcomes.note(entry, isRotated ? 'TOKEN_RESPONSE_INVALID' : 'refreshed');
    }
    const current = await this.store.find(entry.userId, entry.provider);
    if (current === undefined) {
      await this.endGrant(entry);
      return true;
    }
    const isStored = !isRotated && current.id === entry.id && current.secretGen === entry.secretGen + 1;
    // A new link, which is noted as such, is no refresh.
    const storedAt = isStored ? current.lastRefreshedAt : null;
    return storedAt === null || this.outcomes.noteStored(entry, storedAt);
  }

  /** The connection was unlinked before its tokens could be committed: these are the last ones, and nobody else has them (TE-11). */
  private async endGrant(entry: JournalEntry & ConnectionKey): Promise<void> {
    const provider = this.registry.has(entry.provider) ? this.registry.get(entry.provider) : undefined;
    if (provider?.definition.revocation === undefined) {
      return;
    }
    const place = { ...entry, registrationId: registrationId(provider), secretGen: entry.secretGen + 1 };
    const tokens = await this.tokenVault.openIfReadable(place);
    if (tokens === undefined) {
      this.logger.error(`Journal: the tokens of connection ${entry.id}, which is gone, do not open: its grant stands.`);
      return;
    }
    await this.outbox.add(place, tokens);
    this.logger.warn(`Journal: connection ${entry.id} is gone; the grant of its refreshed tokens is ended.`);
    await this.outcomes.note(entry, 'superseded');
  }

  /** Returns what is in a file: `undefined` when it is not there any more, `null` when it cannot be read. */
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

/** What became of an entry: nothing remains to be done, it is tried again, or nobody can read it. */
type ReplayOutcome = 'done' | 'waiting' | 'damaged';

/** The owner of an entry is sealed for the entry alone: no row of a user has an empty id. */
function ownerContext({ id, secretGen }: Pick<ConnectionKey, 'id' | 'secretGen'>): SealContext {
  return { purpose: 'connections.sealed', rowId: id, userId: '', registrationId: '', generation: secretGen };
}

function keyOf(key: Pick<ConnectionKey, 'id' | 'secretGen'>): string {
  return `${key.id}.${key.secretGen}`;
}

/** Returns the entries of a file, `undefined` for one that was damaged. The end of a file without a line end is no entry yet. */
function parseEntries(bytes: Buffer): (JournalEntry | undefined)[] {
  const lines = bytes.toString('utf8').split('\n').slice(0, -1);
  return lines.map((line) => entrySchema.safeParse(parseJson(line)).data);
}

/** @throws Error that names the setting, when nothing can be written there */
async function prepareDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Error('REFRESH_JOURNAL_DIRECTORY names a directory that cannot be written.', { cause: error });
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
