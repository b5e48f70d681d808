import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { TokenUnreadableError } from '../errors/connection.errors.js';
import type { SealPurpose } from './associated-data.js';
import { KeyRing } from './key-ring.js';
import { kidOf, SealedRows, type SealedRow } from './sealed-rows.js';
import { VaultService } from './vault.service.js';

const pageSize = 200;
/** Only a replica that has not noticed the new key makes new rows under an old one, so few passes suffice. */
const maxPasses = 10;

/** The progress of a re-encryption. */
export interface ReencryptionProgress {
  /** Rows looked at in this pass. */
  readonly seen: number;
  /** Rows that the table held at the beginning. */
  readonly total: number;
  /** Values sealed again so far. */
  readonly moved: number;
  /** Values that another process replaced at the same moment. */
  readonly superseded: number;
  /** Values that do not open; left as they are. */
  readonly unreadable: number;
  /** Counted from 1. */
  readonly pass: number;
}

/**
 * Seals values again that are not under the active key of their purpose.
 *
 * Keeps no state: it skips a row that was moved. So another run continues an interrupted one, and two runs at once do
 * no harm. A refresh at the same moment wins; its row is already sealed under the active key.
 */
@Injectable()
export class Reencryption {
  constructor(
    private readonly rows: SealedRows,
    private readonly keyRing: KeyRing,
    private readonly vault: VaultService,
  ) {}

  /**
   * Runs until a whole pass finds nothing to move.
   *
   * @param purpose - of the values
   * @param rowsPerSecond - the most values that are moved in a second
   * @param report - called before and after every page
   * @returns the progress at the end; with `unreadable` above 0 the operator must repair those rows
   * @throws Error when after ten passes there is still something to move: a replica seals under an old key
   */
  async run(
    purpose: SealPurpose,
    rowsPerSecond: number,
    report: (progress: ReencryptionProgress) => void,
  ): Promise<ReencryptionProgress> {
    const counts = await this.rows.countByKey(purpose);
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    let progress: ReencryptionProgress = { seen: 0, total, moved: 0, superseded: 0, unreadable: 0, pass: 0 };
    for (let pass = 1; pass <= maxPasses; pass += 1) {
      const before = progress.moved + progress.superseded;
      progress = await this.runPass(purpose, rowsPerSecond, { ...progress, seen: 0, unreadable: 0, pass }, report);
      if (progress.moved + progress.superseded === before) {
        return progress;
      }
    }
    throw new Error(
      `A replica still seals ${purpose} under an old key. Check which replica cannot reach the database.`,
    );
  }

  private async runPass(
    purpose: SealPurpose,
    rowsPerSecond: number,
    start: ReencryptionProgress,
    report: (progress: ReencryptionProgress) => void,
  ): Promise<ReencryptionProgress> {
    let progress = start;
    let after: readonly unknown[] | undefined;
    for (;;) {
      const page = await this.rows.read(purpose, after, pageSize, true);
      after = page.at(-1)?.key;
      if (after === undefined) {
        return progress;
      }
      await this.keyRing.reload();
      report(progress);
      const due = page.filter(({ sealed }) => kidOf(sealed) !== this.keyRing.getActive(purpose).kid);
      for (const row of due) {
        const dueAtMs = performance.now() + 1_000 / rowsPerSecond;
        const outcome = await this.move(purpose, row);
        progress = { ...progress, [outcome]: progress[outcome] + 1 };
        await sleep(Math.max(0, dueAtMs - performance.now()));
      }
      progress = { ...progress, seen: progress.seen + page.length };
      report(progress);
    }
  }

  private async move(purpose: SealPurpose, row: SealedRow): Promise<'moved' | 'superseded' | 'unreadable'> {
    const { rowId, userId, registrationId, generation, bound } = row;
    const context = { purpose, rowId, userId, registrationId, generation, bound };
    let value: unknown;
    try {
      value = await this.vault.open(row.sealed, context);
    } catch (error) {
      if (error instanceof TokenUnreadableError) {
        return 'unreadable';
      }
      throw error;
    }
    const sealed = this.vault.seal(value as object, context);
    return (await this.rows.replace(purpose, row, sealed)) ? 'moved' : 'superseded';
  }
}
