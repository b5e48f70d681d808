import { encodeLengthPrefixed } from '../vault/associated-data.js';
import type { MacKey } from '../vault/mac-key.js';

/** One process, from its first entry to its end or to the first group that could not be written. */
export interface AuditWriter {
  /** 1 for the first writer of the database, then one more for each. */
  readonly number: number;
  /** The key of the chain. */
  readonly kid: string;
  readonly startedAt: Date;
  /** The head of the writer before this one when this one began; 0 and empty for the first. */
  readonly witnessedSequence: number;
  readonly witnessedMac: Buffer;
}

/** The content of a stored entry. */
export interface AuditFacts {
  readonly recordedAt: Date;
  readonly action: string;
  readonly outcome: string;
  readonly actor: string;
  readonly userDigest: Buffer | null;
  readonly provider: string | null;
  readonly connectionId: string | null;
  readonly subject: string | null;
  readonly code: string | null;
  readonly requestId: string | null;
  readonly address: string | null;
}

/** An entry in its place in the chain. */
export interface AuditEntry extends AuditFacts {
  /** 1 for the first entry of a writer, then one more for each. */
  readonly sequence: number;
  /** Over the MAC before it and everything the entry says. */
  readonly mac: Buffer;
}

/** The end of a chain. */
export interface ChainHead {
  readonly sequence: number;
  readonly mac: Buffer;
}

/**
 * Returns what the first entry of a writer is chained to.
 *
 * @param key - the one that `writer.kid` names
 */
export function beginningOf(writer: AuditWriter, key: MacKey): ChainHead {
  const message = encodeLengthPrefixed([
    'audit/v1/writer',
    String(writer.number),
    writer.kid,
    writer.startedAt.toISOString(),
    String(writer.witnessedSequence),
    writer.witnessedMac,
  ]);
  return { sequence: 0, mac: key.sign(message) };
}

/**
 * Chains an entry to the one before it.
 *
 * The MAC is keyed: anyone who can write to the database could compute a plain hash again, but a MAC only with the
 * root key too. An entry without an address has the form that all entries had before addresses were kept.
 */
export function chain(facts: AuditFacts, previous: ChainHead, key: MacKey): AuditEntry {
  const sequence = previous.sequence + 1;
  const message = encodeLengthPrefixed([
    facts.address === null ? 'audit/v1/entry' : 'audit/v2/entry',
    previous.mac,
    String(sequence),
    facts.recordedAt.toISOString(),
    facts.action,
    facts.outcome,
    facts.actor,
    facts.userDigest ?? '',
    markPresent(facts.provider),
    markPresent(facts.connectionId),
    markPresent(facts.subject),
    markPresent(facts.code),
    markPresent(facts.requestId),
    ...(facts.address === null ? [] : [facts.address]),
  ]);
  return { ...facts, sequence, mac: key.sign(message) };
}

/** Vouches for the end of a chain, so that cutting entries off it needs the key too. */
export function signHead(writerNumber: number, head: ChainHead, key: MacKey): Buffer {
  return key.sign(encodeLengthPrefixed(['audit/v1/head', String(writerNumber), String(head.sequence), head.mac]));
}

/** The beginning of a chain whose older entries were pruned. */
export interface Checkpoint extends ChainHead {
  /** By {@link signCheckpoint}; empty while nothing was removed, with `sequence` 0. */
  readonly signature: Buffer;
}

/** Vouches that everything up to an entry was checked and removed by somebody who has the key. */
export function signCheckpoint(writerNumber: number, last: ChainHead, key: MacKey): Buffer {
  return key.sign(encodeLengthPrefixed(['audit/v1/checkpoint', String(writerNumber), String(last.sequence), last.mac]));
}

/** Keeps an absent text apart from an empty one. */
function markPresent(text: string | null): string {
  return text === null ? '' : `=${text}`;
}
