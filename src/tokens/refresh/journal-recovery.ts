import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../clock/clock.js';
import { AuditReader } from '../../audit/audit-reader.js';
import type { EntryPlace } from '../../audit/audit-store.js';
import { Database, type Statement } from '../../database/database.js';
import { MicroBatch } from '../../database/micro-batch.js';
import { AppError } from '../../errors/app-error.js';
import { TokenUnreadableError } from '../../errors/connection.errors.js';
import { VaultService } from '../../vault/vault.service.js';
import { ConnectionStore, type RowBehind } from '../store/connection-store.js';
import type { LinkKey } from '../store/connection.js';
import { keyOf, openOwner, parseEntry, type JournalEntry } from './journal-entry.js';
import { JournalFiles } from './journal-files.js';
import type { JournalSegments } from './journal-segments.js';
import type { KeptEntries } from './kept-entries.js';
import { RefreshRecorder } from './refresh-recorder.js';
import { TokenVault } from '../store/token-vault.js';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';
import { journalRestored } from '../tokens.metrics.js';

/** Entries that are compared with their rows by one statement. */
const batchSize = 500;
/**
 * How far back to look for ended connections. Longer than a refresh may be in flight, and than this check may be late.
 */
const endedWithinMs = 600_000;
const auditPageSize = 1_000;
/** No lease is older than this when its refresh token is sent: the longest is 80 s. */
const longestLeaseMs = 120_000;

/**
 * SQL: an id of the database. It changes with the server (a promoted standby), with database and table (a restored
 * backup), and after every restart.
 */
const findIncarnation: Statement = {
  name: 'journal-find-incarnation',
  text: `SELECT concat_ws('/', extract(epoch FROM pg_postmaster_start_time()), oid, 'connections'::regclass::oid) AS incarnation
         FROM pg_database WHERE datname = current_database()`,
};

const limits = { maxItems: 10_000, maxWaiting: Infinity };

type OpenedEntry = JournalEntry & LinkKey;

/**
 * Restores refreshed tokens that a database has lost, from the kept entries of the journal. A database loses tokens
 * when a lagging standby is promoted, or a backup is restored.
 *
 * An entry is restored when its token set is newer than the one in its row, and the row still holds the same link. An
 * ended connection is active again then, because the provider has issued these tokens after it refused the older ones.
 * Entries of connections that were unlinked or moved are erased, so that nothing restores them (TE-11, LOG-08).
 */
@Injectable()
export class JournalRecovery {
  private readonly logger = new Logger(JournalRecovery.name);
  private readonly kept: KeptEntries | undefined;
  private readonly segments: JournalSegments | undefined;
  private readonly isOn: boolean;
  private readonly incarnations = new MicroBatch<undefined, string>(
    (asked) => this.askIncarnation(asked.length),
    limits,
  );
  /** The id of the database whose rows were compared last. */
  private comparedWith: string | undefined;
  /** By the monotonic clock. */
  private comparedAtMs = -Infinity;
  private comparing: Promise<void> | undefined;
  private hasWarnedOfRoom = false;

  constructor(
    private readonly database: Database,
    private readonly store: ConnectionStore,
    private readonly recorder: RefreshRecorder,
    private readonly tokenVault: TokenVault,
    private readonly vault: VaultService,
    private readonly auditReader: AuditReader,
    private readonly clock: Clock,
    { kept, segments }: JournalFiles,
    @Inject(tokensConfig.KEY) { journalKeeping }: TokensConfig,
  ) {
    this.kept = kept;
    this.segments = segments;
    this.isOn = journalKeeping.keepMs > 0;
  }

  /**
   * Keeps a journal file whose entries are all committed.
   *
   * @param ended - ids of removed connections; their entries are not kept
   */
  async keep(file: string, ended?: ReadonlySet<string>): Promise<void> {
    await this.kept?.keep(file, ended);
  }

  /**
   * Erases the kept entries of an ended connection in this directory. If that fails now, {@link tidy} erases them
   * later, or they soon become too old.
   */
  async erase(connectionId: string): Promise<void> {
    try {
      await this.kept?.erase(connectionId);
    } catch (error) {
      this.logger.error(error);
    }
  }

  /**
   * Restores lost token sets, if the database may have lost any since the last call. Call it between lease and refresh:
   * afterwards the row has the newest token set that this directory knows.
   *
   * @returns whether the rows were compared with the entries since the oldest lease was taken, by this call or another
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError} when that cannot be done now; no refresh
   *   token may be sent
   */
  async catchUp(): Promise<boolean> {
    const { kept } = this;
    if (kept === undefined || !this.isOn) {
      return false;
    }
    const incarnation = await this.incarnations.add(undefined);
    while (this.comparedWith !== incarnation) {
      // A caller that waits for a comparison with another database begins its own afterwards.
      this.comparing ??= this.compare(kept, incarnation).finally(() => {
        this.comparing = undefined;
      });
      await this.comparing;
    }
    return performance.now() - this.comparedAtMs < longestLeaseMs;
  }

  /**
   * Erases kept entries of connections that ended in other processes, entries that are too old, and entries beyond the
   * size limit. It always checks first whether the database needs them.
   *
   * @throws {@link DatabaseUnavailableError} when that check fails; nothing is removed then
   */
  async tidy(): Promise<void> {
    const { kept } = this;
    if (kept === undefined) {
      return;
    }
    await this.catchUp();
    const ended = this.isOn ? await this.findEnded() : [];
    await Promise.all(ended.map((id) => kept.erase(id)));
    // The age of a file is measured by this machine's clock, which also set its time.
    const keptForMs = await kept.prune(Date.now());
    if (keptForMs !== undefined && !this.hasWarnedOfRoom) {
      this.hasWarnedOfRoom = true;
      this.logger.warn(
        `The journal keeps committed entries for only ${Math.floor(keptForMs / 1_000)} s, because REFRESH_JOURNAL_KEEP_MEGABYTES is reached.`,
      );
    }
  }

  private async askIncarnation(times: number): Promise<string[]> {
    const [row] = await this.database.query<{ incarnation: string }>(findIncarnation);
    return Array.from({ length: times }, () => row?.incarnation ?? '');
  }

  private async compare(kept: KeptEntries, incarnation: string): Promise<void> {
    let entries: JournalEntry[] = [];
    await kept.readNewestFirst(async (lines) => {
      entries.push(...lines.flatMap((line) => parseEntry(line) ?? []));
      if (entries.length >= batchSize) {
        const batch = entries;
        entries = [];
        await this.restoreNewer(batch);
      }
    });
    await this.restoreNewer(entries);
    this.comparedWith = incarnation;
    this.comparedAtMs = performance.now();
  }

  private async restoreNewer(entries: readonly JournalEntry[]): Promise<void> {
    const opened = await Promise.all(entries.map((entry) => this.open(entry)));
    const readable = opened.filter((entry) => entry !== undefined);
    if (readable.length === 0) {
      return;
    }
    for (const entry of await this.store.findBehind(readable)) {
      await this.recorder.inTurn(entry.id, () => this.restore(entry));
    }
  }

  /**
   * Decrypts an entry. One that cannot be decrypted, because its key was destroyed or it is of an earlier version,
   * cannot be compared.
   */
  private async open(entry: JournalEntry): Promise<OpenedEntry | undefined> {
    try {
      const { userId, linkedAt } = await openOwner(this.vault, entry);
      return linkedAt === undefined ? undefined : { ...entry, userId, linkedAt };
    } catch (error) {
      if (error instanceof TokenUnreadableError) {
        return undefined;
      }
      throw error;
    }
  }

  private async restore(entry: OpenedEntry & RowBehind): Promise<void> {
    // Tokens that do not open must not replace tokens that may.
    const tokens = await this.tokenVault.openIfReadable({ ...entry, secretGen: entry.secretGen + 1 });
    const isRefreshed = entry.kind === 'refreshed';
    try {
      if (tokens === undefined || !(await this.store.restore(entry, entry, isRefreshed))) {
        return;
      }
    } catch (error) {
      if (error instanceof AppError) {
        throw error;
      }
      this.logger.error(error);
      return;
    }
    if (this.segments?.has(keyOf(entry)) === true) {
      // This process still saves it, so the database has not lost it.
      this.logger.warn(`Journal: the refreshed tokens of connection ${entry.id} are committed.`);
    } else {
      journalRestored.inc();
      this.logger.warn(
        `Journal: the database had lost refreshed tokens of connection ${entry.id}. The tokens are restored.`,
      );
    }
    await this.recorder.record(entry, isRefreshed ? 'refreshed' : 'TOKEN_RESPONSE_INVALID');
    if (entry.hasEnded) {
      await this.recorder.recordRecovery(entry);
    }
  }

  /** Returns the ids of connections that were unlinked or moved to a successor not long ago. */
  private async findEnded(): Promise<string[]> {
    const from = new Date(this.clock.now().getTime() - endedWithinMs);
    const ids: string[] = [];
    for (const action of ['connection.unlinked', 'connection.migrated'] as const) {
      let after: EntryPlace | undefined;
      do {
        const { entries, next } = await this.auditReader.find({ action, from }, auditPageSize, after);
        ids.push(...entries.flatMap(({ connectionId }) => connectionId ?? []));
        after = next;
      } while (after !== undefined);
    }
    return ids;
  }
}
