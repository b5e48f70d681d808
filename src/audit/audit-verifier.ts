import { Injectable } from '@nestjs/common';
import type { MacKey } from '../vault/mac-key.js';
import { KeyStore } from '../vault/key-store.js';
import { VaultService } from '../vault/vault.service.js';
import {
  beginningOf,
  chain,
  signCheckpoint,
  signHead,
  type AuditEntry,
  type AuditWriter,
  type ChainHead,
} from './audit-chain.js';
import type { SignedHead } from './audit-head.js';
import { AuditStore } from './audit-store.js';

/** Between these is what the database takes for the number of a writer. */
const [lowestNumber, highestNumber] = [-(2 ** 31), 2 ** 31 - 1];

/** Something in the audit trail that is not as it was written. */
export interface AuditFinding {
  /** `undefined` when it is about the trail as a whole. */
  readonly writer: number | undefined;
  /** The entry; `undefined` when it is about the writer as a whole. */
  readonly sequence: number | undefined;
  /** The finding, as the end of a sentence that begins with the place. */
  readonly problem: string;
}

/** Numbers of verified items. */
export interface AuditCount {
  writers: number;
  entries: number;
}

/**
 * Recomputes the chains of the audit trail and tells what does not fit (LOG-05). Changes nothing; writers may
 * write during it.
 */
@Injectable()
export class AuditVerifier {
  constructor(
    private readonly store: AuditStore,
    private readonly vault: VaultService,
    private readonly keys: KeyStore,
  ) {}

  /**
   * Looks at every writer and every entry.
   *
   * @param count - counts along, for a progress display and the summary
   * @returns each finding as it is made; nothing when the trail is as it was written
   */
  async *verify(count: AuditCount): AsyncGenerator<AuditFinding, void> {
    for (let stranger = await this.store.findWriterOfEntries(lowestNumber); stranger !== undefined && stranger < 1;) {
      yield { writer: stranger, sequence: undefined, problem: 'never existed, but has entries' };
      stranger = await this.store.findWriterOfEntries(stranger + 1);
    }
    let previous = 0;
    for (let writer = await this.store.findWriter(0); writer; writer = await this.store.findWriter(previous)) {
      yield* findGap(previous + 1, writer.number);
      const key = await this.vault.findMacKey(writer.kid);
      if (key === undefined) {
        yield {
          writer: writer.number,
          sequence: undefined,
          problem: `is chained with key ${writer.kid}, which no longer exists`,
        };
      } else {
        if (writer.number === previous + 1) {
          yield* this.verifyWitness(writer);
        }
        yield* this.verifyChain(writer, key, count);
      }
      count.writers += 1;
      previous = writer.number;
    }
    if (count.writers === 0 && (await this.keys.list()).some(({ operations }) => operations > 0)) {
      const problem = 'The trail is empty, although the keys here have sealed values, which leaves entries';
      yield { writer: undefined, sequence: undefined, problem };
    }
    while (previous < highestNumber) {
      const stranger = await this.store.findWriterOfEntries(previous + 1);
      // A writer that has begun since has its entries too.
      if (stranger === undefined || (await this.store.findWriter(previous)) !== undefined) {
        return;
      }
      yield* findGap(previous + 1, stranger);
      yield { writer: stranger, sequence: undefined, problem: 'is missing, but has entries' };
      previous = stranger;
    }
  }

  /**
   * Compares the trail with heads that were kept elsewhere: none may ever go back (LOG-05).
   *
   * @param heads - of any number of writers; of each the furthest is enough, because all before it is chained
   */
  async *verifyHeads(heads: Iterable<SignedHead>): AsyncGenerator<AuditFinding, void> {
    for (const { writer: number, sequence, signature } of heads) {
      const writer = await this.store.findWriter(number - 1);
      if (writer?.number === number) {
        yield* this.verifySeen(writer, { sequence, mac: signature }, 'the log');
      } else {
        yield { writer: number, sequence, problem: 'is missing with its writer, although the log recorded it' };
      }
    }
  }

  /** The writer before this one must still reach as far as it did when this one began. */
  private async *verifyWitness(writer: AuditWriter): AsyncGenerator<AuditFinding, void> {
    const before = await this.store.findWriter(writer.number - 2);
    if (before?.number !== writer.number - 1) {
      return;
    }
    const seen = { sequence: writer.witnessedSequence, mac: writer.witnessedMac };
    yield* this.verifySeen(before, seen, `writer ${writer.number}`);
  }

  /**
   * @param seen - how far the writer reached, with the signature of its head at that time
   * @param witness - who has seen it
   */
  private async *verifySeen(before: AuditWriter, seen: ChainHead, witness: string): AsyncGenerator<AuditFinding, void> {
    const key = await this.vault.findMacKey(before.kid);
    const { sequence } = seen;
    const { checkpoint, entries } = await this.store.readChain(before.number, Math.max(0, sequence - 1), 1);
    if (sequence > 0 && sequence < checkpoint.sequence) {
      // Removed on purpose, or the checkpoint is found to be forged where the chain is verified.
      return;
    }
    const mac =
      sequence === 0
        ? key && beginningOf(before, key).mac
        : [checkpoint, ...entries].find((each) => each.sequence === sequence)?.mac;
    if (key === undefined || mac === undefined) {
      yield { writer: before.number, sequence, problem: `is missing, although ${witness} recorded it` };
    } else if (!signHead(before.number, { sequence, mac }, key).equals(seen.mac)) {
      yield { writer: before.number, sequence, problem: `differs from what ${witness} recorded` };
    }
  }

  private async *verifyChain(writer: AuditWriter, key: MacKey, count: AuditCount): AsyncGenerator<AuditFinding, void> {
    let last = beginningOf(writer, key);
    let readUpTo: number | undefined;
    for (;;) {
      const { head, checkpoint, entries } = await this.store.readChain(writer.number, readUpTo, pageSize);
      if (checkpoint.sequence > last.sequence) {
        if (!signCheckpoint(writer.number, checkpoint, key).equals(checkpoint.signature)) {
          const problem = 'and all before it are missing, without a signed checkpoint';
          yield { writer: writer.number, sequence: checkpoint.sequence, problem };
        }
        last = checkpoint;
      }
      for (const entry of entries) {
        yield* findFaults(writer.number, entry, last, key);
        // Entries before the beginning of the chain are no part of it: the next one is not chained to them.
        last = entry.sequence > last.sequence ? { sequence: entry.sequence, mac: entry.mac } : last;
        readUpTo = entry.sequence;
        count.entries += 1;
      }
      if (entries.length < pageSize) {
        if (head.sequence > last.sequence) {
          const problem = `and all after it up to ${head.sequence} are missing`;
          yield { writer: writer.number, sequence: last.sequence + 1, problem };
        } else if (head.sequence < last.sequence || !signHead(writer.number, last, key).equals(head.mac)) {
          yield {
            writer: writer.number,
            sequence: undefined,
            problem: 'has a recorded end that does not match its last entry',
          };
        }
        return;
      }
    }
  }
}

/** Entries that are read at once. */
const pageSize = 1_000;

/** Writers that are missing before the one that was found; there may be billions. */
function* findGap(first: number, found: number): Generator<AuditFinding, void> {
  if (first < found) {
    const problem = first === found - 1 ? 'is missing' : `and all after it up to ${found - 1} are missing`;
    yield { writer: first, sequence: undefined, problem };
  }
}

function* findFaults(writer: number, entry: AuditEntry, last: ChainHead, key: MacKey): Generator<AuditFinding, void> {
  if (entry.sequence < 1) {
    yield { writer, sequence: entry.sequence, problem: 'was added: entries begin at 1' };
  } else if (entry.sequence <= last.sequence) {
    yield { writer, sequence: entry.sequence, problem: 'was removed before, and is there again' };
  } else if (entry.sequence !== last.sequence + 1) {
    const first = last.sequence + 1;
    const range = entry.sequence - 1 === first ? 'is' : `and all after it up to ${entry.sequence - 1} are`;
    yield { writer, sequence: first, problem: `${range} missing, so the next one cannot be checked` };
  } else if (!chain(entry, last, key).mac.equals(entry.mac)) {
    yield { writer, sequence: entry.sequence, problem: 'was changed' };
  }
}
