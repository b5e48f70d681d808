import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import type { Requester } from '../audit/audit-event.js';
import { ConnectionExporter, type ExportTerms, type LeftOut } from '../tokens/freeze/connection-exporter.js';
import type { RecipientSeal } from '../vault/recipient-envelope.js';
import { SealedLines } from './sealed-file.js';

/** A connection that is not in an export. */
export interface LeftOutConnection {
  readonly id: string;
  readonly provider: string;
  readonly why: LeftOut;
}

/** Result of a run. */
export interface WrittenExport {
  readonly exported: number;
  /** Connections that have ended: they are left out, because their users must link again. */
  readonly ended: number;
  readonly leftOut: readonly LeftOutConnection[];
  /** Of the file, in hex. */
  readonly sha256: string;
}

/** Writes exports to files. */
@Injectable()
export class ExportRun {
  constructor(private readonly exporter: ConnectionExporter) {}

  /**
   * Writes a sealed export. The file must not exist; only its owner may read it.
   *
   * @param terms - unless it is a copy, every active connection must be frozen
   * @param report - called with the number of connections so far, and of all
   * @throws Error when connections are not frozen; nothing was written
   * @throws Error when the file cannot be written; it is removed then
   */
  async write(
    file: string,
    seal: RecipientSeal,
    terms: ExportTerms,
    requester: Requester,
    report: (done: number, total: number) => void,
  ): Promise<WrittenExport> {
    const { active, notFrozen, inFlight, ended } = await this.exporter.count(terms);
    if (!terms.isCopy && (notFrozen > 0 || inFlight > 0)) {
      throw new Error(
        `${notFrozen} connections are not frozen, and ${inFlight} refreshes are in flight. Run connections freeze first, ` +
          'so that no two systems spend the same tokens.',
      );
    }
    const lines = new SealedLines(seal);
    const hash = createHash('sha256');
    const leftOut: LeftOutConnection[] = [];
    let exported = 0;
    const output = await open(file, 'wx', 0o600);
    try {
      const write = async (line: string): Promise<void> => {
        hash.update(line);
        await output.write(line);
      };
      const pages = this.exporter.export(terms, requester, ({ id, provider }, why) =>
        leftOut.push({ id, provider, why }),
      );
      for await (const page of pages) {
        await write(await lines.page(page));
        exported += page.length;
        report(exported, active);
      }
      await write(await lines.end());
      await output.sync();
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    } finally {
      await output.close();
    }
    return { exported, ended, leftOut, sha256: hash.digest('hex') };
  }
}
