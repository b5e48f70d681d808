import { Injectable } from '@nestjs/common';
import type { Query } from '../database/database.js';
import { VaultService } from '../vault/vault.service.js';
import { AuditStore, type EntryPlace, type StoredEntry } from './audit-store.js';

/** Which entries are wanted. What is absent does not matter. */
export interface AuditFilter {
  readonly userId?: string | undefined;
  readonly provider?: string | undefined;
  readonly action?: string | undefined;
  /** Inclusive. */
  readonly from?: Date | undefined;
  /** Exclusive. */
  readonly to?: Date | undefined;
}

/** Entries, the newest first. */
export interface AuditPage {
  readonly entries: readonly StoredEntry[];
  /** Start of the next page; `undefined` on the last one. */
  readonly next: EntryPlace | undefined;
}

/** Looks entries of the audit trail up. */
@Injectable()
export class AuditReader {
  constructor(
    private readonly store: AuditStore,
    private readonly vault: VaultService,
  ) {}

  /**
   * Returns one page of entries.
   *
   * @param filter - all of it must hold
   * @param size - entries on the page, at least 1
   * @param after - `next` of the page before
   * @param query - how to run a statement, such as on a read replica; on the primary if absent
   * @throws {@link DatabaseUnavailableError} when the database does not respond in time
   */
  async find(filter: AuditFilter, size: number, after?: EntryPlace, query?: Query): Promise<AuditPage> {
    const { userId, ...rest } = filter;
    const userDigest = userId === undefined ? undefined : this.vault.digest('audit.user', [userId]);
    const found = await this.store.find({ ...rest, userDigest }, size + 1, after, query);
    const entries = found.slice(0, size);
    return { entries, next: found.length > size ? entries.at(-1) : undefined };
  }
}
