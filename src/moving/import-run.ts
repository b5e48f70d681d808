import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Requester } from '../audit/audit-event.js';
import { DatabaseUnavailableError } from '../errors/request.errors.js';
import type { ImportOptions } from '../tokens/import/import-options.js';
import { ConnectionImporter } from '../tokens/import/connection-importer.js';
import type { ImportedGrant, ImportRefusal, ImportResult, ImportWarning } from '../tokens/import/imported-grant.js';
import type { SourceRow } from './row-source.js';

/** Rows of one statement. */
const batchSize = 500;
/** How often a batch is tried while the database is away, and the first pause, in milliseconds. It doubles. */
const mostAttempts = 6;
const firstPauseMs = 1_000;

/** A row that was not imported. It names the user, never a token. */
export interface RefusedRow {
  /** The line, or the number of the row. */
  readonly number: number;
  readonly userId: string | undefined;
  readonly reason: ImportRefusal;
  /** For `invalid`: the wrong columns. */
  readonly objection?: string;
}

/** Progress of an import. */
export interface ImportCounts {
  imported: number;
  alreadyImported: number;
  refused: number;
  readonly warnings: Record<ImportWarning, number>;
  /** Position in the file, in bytes. */
  bytes: number;
}

/** Imports the rows of a file, batch by batch. A killed run can simply be started again. */
@Injectable()
export class ImportRun {
  constructor(private readonly importer: ConnectionImporter) {}

  /**
   * Imports rows.
   *
   * @param requester - for the audit trail
   * @param report - called after each batch
   * @param refuse - called with each row that is not imported
   * @throws the errors of the source, and {@link DatabaseUnavailableError} when the database is away for half a minute;
   *   imported rows stay
   */
  async run(
    rows: AsyncIterable<SourceRow>,
    options: ImportOptions,
    requester: Requester,
    report: (counts: ImportCounts) => void,
    refuse: (row: RefusedRow) => void,
  ): Promise<ImportCounts> {
    const counts: ImportCounts = {
      imported: 0,
      alreadyImported: 0,
      refused: 0,
      warnings: { scopes_unknown: 0, scopes_missing: 0, account_unknown: 0, no_refresh_token: 0, not_verified: 0 },
      bytes: 0,
    };
    let batch: { readonly source: SourceRow; readonly grant: ImportedGrant }[] = [];
    const flush = async (): Promise<void> => {
      const results = await this.importBatch(
        batch.map(({ grant }) => grant),
        options,
        requester,
      );
      batch.forEach(({ source }, at) => {
        const result = results[at];
        if (result?.outcome === 'refused') {
          counts.refused += 1;
          refuse({ number: source.number, userId: source.userId, reason: result.reason });
        } else {
          counts[result?.outcome === 'imported' ? 'imported' : 'alreadyImported'] += 1;
          result?.warnings.forEach((warning) => (counts.warnings[warning] += 1));
        }
      });
      batch = [];
      report(counts);
    };
    for await (const source of rows) {
      counts.bytes = source.bytes;
      if ('objection' in source.row) {
        counts.refused += 1;
        const { objection } = source.row;
        refuse({ number: source.number, userId: source.userId, reason: 'invalid', objection });
      } else {
        const { grant } = source.row;
        batch.push({ source: { ...source, userId: grant.userId }, grant });
      }
      if (batch.length === batchSize) {
        await flush();
      }
    }
    await flush();
    return counts;
  }

  /** A batch may be imported again: rows that the lost statement has stored are recognized. */
  private async importBatch(
    grants: readonly ImportedGrant[],
    options: ImportOptions,
    requester: Requester,
  ): Promise<ImportResult[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.importer.import(grants, options, requester);
      } catch (error) {
        if (!(error instanceof DatabaseUnavailableError) || attempt === mostAttempts) {
          throw error;
        }
        await sleep(firstPauseMs * 2 ** (attempt - 1));
      }
    }
  }
}
