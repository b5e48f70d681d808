import { Injectable } from '@nestjs/common';
import type { MacKey } from '../vault/mac-key.js';
import { VaultService } from '../vault/vault.service.js';
import {
  beginningOf,
  chain,
  signCheckpoint,
  type AuditEntry,
  type AuditWriter,
  type ChainHead,
} from './audit-chain.js';
import { AuditStore } from './audit-store.js';
import { AuditTrail } from './audit-trail.js';

/** Entries that are checked and removed at once. */
const pageSize = 1_000;

/**
 * Removes what is old from the audit trail, for an operator. Of each chain the beginning goes, and a signed checkpoint
 * stays in its place, so that the rest can still be verified. What is not as it was written is not removed: it would
 * take its traces along.
 */
@Injectable()
export class AuditPruner {
  constructor(
    private readonly store: AuditStore,
    private readonly vault: VaultService,
    private readonly trail: AuditTrail,
  ) {}

  /**
   * Removes the entries from before an instant. May be ended and run again at any time, and beside writers and a
   * verification.
   *
   * @param before - exclusive; an older entry behind a younger one of the same chain stays
   * @returns how many entries were removed
   * @throws Error that names the first entry that is not as it was written; what was removed before it stays removed
   * @throws {@link DatabaseUnavailableError}
   */
  async prune(before: Date): Promise<number> {
    const subject = `before:${before.toISOString()}`;
    await this.trail.record({ action: 'audit.pruned', outcome: 'success', actor: 'cli', subject });
    let removed = 0;
    for (let writer = await this.store.findWriter(0); writer; writer = await this.store.findWriter(writer.number)) {
      const key = await this.vault.findMacKey(writer.kid);
      if (key === undefined) {
        throw new Error(`Writer ${writer.number} is chained with key ${writer.kid}, which no longer exists.`);
      }
      removed += await this.pruneWriter(writer, key, before);
    }
    return removed;
  }

  private async pruneWriter(writer: AuditWriter, key: MacKey, before: Date): Promise<number> {
    let last: ChainHead = beginningOf(writer, key);
    let removed = 0;
    for (;;) {
      const { checkpoint, entries } = await this.store.readChain(writer.number, last.sequence, pageSize);
      if (checkpoint.sequence > last.sequence) {
        if (!signCheckpoint(writer.number, checkpoint, key).equals(checkpoint.signature)) {
          throw refusal(writer.number, checkpoint.sequence);
        }
        last = checkpoint;
      }
      const young = entries.findIndex(({ recordedAt }) => recordedAt >= before);
      const old = young === -1 ? entries : entries.slice(0, young);
      for (const entry of old) {
        last = follow(writer.number, entry, last, key);
      }
      if (old.length > 0) {
        removed += await this.store.prune(writer.number, {
          ...last,
          signature: signCheckpoint(writer.number, last, key),
        });
      }
      if (old.length < pageSize) {
        return removed;
      }
    }
  }
}

/** Returns the place of an entry in its chain, if it belongs there. */
function follow(writer: number, entry: AuditEntry, last: ChainHead, key: MacKey): ChainHead {
  const { sequence, mac } = entry;
  if (sequence !== last.sequence + 1 || !chain(entry, last, key).mac.equals(mac)) {
    throw refusal(writer, sequence);
  }
  return { sequence, mac };
}

function refusal(writer: number, sequence: number): Error {
  return new Error(
    `Writer ${writer}, entry ${sequence} was changed, or entries before it are missing. It and the later entries of this chain were not removed. ` +
      'Run "audit verify" for details.',
  );
}
