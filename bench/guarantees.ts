import { createHmac, createSecretKey } from 'node:crypto';
import type pg from 'pg';
import type { DigestPurpose, KeyPurpose, MacPurpose, SealContext } from '../src/vault/associated-data.ts';
import type { BranchKey } from '../src/vault/envelope.ts';
import { built } from './built.ts';

const { encodeLengthPrefixed } =
  await built<typeof import('../src/vault/associated-data.ts')>('vault/associated-data.js');
const { openEnvelope, readEnvelopeKid, sealEnvelope } =
  await built<typeof import('../src/vault/envelope.ts')>('vault/envelope.js');
const { LocalKeySource } = await built<typeof import('../src/vault/local-key-source.ts')>('vault/local-key-source.js');
const { MicroBatch } = await built<typeof import('../src/database/micro-batch.ts')>('database/micro-batch.js');

const limits = { maxItems: 500, maxWaiting: 10_000 };

/** The branch keys of the service, read and unwrapped by hand, with the pure functions of the real envelope. */
export interface Keys {
  seal(value: object, context: SealContext): Buffer;
  open(envelope: Buffer, context: SealContext): unknown;
  /** HMAC-SHA-256 of length-prefixed fields, with the active key of a purpose. */
  mac(purpose: DigestPurpose | MacPurpose, fields: readonly (string | Buffer)[]): Buffer;
}

/** Reads the keys that the service made for a database, with its root key. */
export async function readKeys(pool: pg.Pool, rootKey: string, environment: string): Promise<Keys> {
  const source = new LocalKeySource(createSecretKey(rootKey, 'base64'));
  const { rows } = await pool.query<{
    kid: string;
    purpose: KeyPurpose;
    state: string;
    suite: BranchKey['suite'];
    wrapped_key: Buffer;
    root_key_ref: string;
  }>('SELECT kid, purpose, state, suite, wrapped_key, root_key_ref FROM vault_keys WHERE wrapped_key IS NOT NULL');
  const byKid = new Map<string, BranchKey>();
  const active = new Map<KeyPurpose, BranchKey>();
  for (const { kid, purpose, state, suite, wrapped_key: blob, root_key_ref: keyRef } of rows) {
    const key = { kid, suite, key: await source.unwrap({ blob, keyRef }, { kid, purpose, environment }) };
    byKid.set(kid, key);
    if (state === 'active') {
      active.set(purpose, key);
    }
  }
  const activeKey = (purpose: KeyPurpose): BranchKey => known(active.get(purpose));
  return {
    seal: (value, context) =>
      sealEnvelope(Buffer.from(JSON.stringify(value)), activeKey(context.purpose), environment, context),
    open: (envelope, context) => {
      const key = known(byKid.get(readEnvelopeKid(envelope)));
      return JSON.parse(openEnvelope(envelope, key, environment, context).toString('utf8')) as unknown;
    },
    mac: (purpose, fields) =>
      createHmac('sha256', activeKey(purpose).key).update(encodeLengthPrefixed(fields)).digest(),
  };
}

/** One entry of the trail. */
export interface Entry {
  readonly userId: string;
  /** Everything else that the entry says. */
  readonly content: string;
}

/** Writes an entry; returns when it is committed. */
export type RecordEntry = (entry: Entry) => Promise<void>;

/**
 * An audit trail with the guarantees of the service's, in the fewest columns: append-only, chained by a MAC, its end
 * signed, committed before the caller continues, and an index for the entries of a user and one for their time. Entries
 * of one moment share a statement.
 *
 * It has tables and code of its own, so that the references stay as they are when the service's trail changes.
 */
export async function openTrail(pool: pg.Pool, keys: Keys, environment: string): Promise<RecordEntry> {
  await pool.query(`
    CREATE TABLE reference_writers (id int PRIMARY KEY, sequence bigint NOT NULL, mac bytea NOT NULL);
    CREATE TABLE reference_entries (writer int, sequence bigint, recorded_at timestamptz NOT NULL,
      user_digest bytea NOT NULL, content text NOT NULL, mac bytea NOT NULL, PRIMARY KEY (writer, sequence));
    CREATE INDEX ON reference_entries (user_digest, recorded_at);
    CREATE INDEX ON reference_entries (recorded_at);
    INSERT INTO reference_writers VALUES (1, 0, '')`);
  const name = 'append';
  const text = `
    WITH head AS (UPDATE reference_writers SET sequence = $1 + cardinality($3::bytea[]), mac = $2
      WHERE id = 1 AND sequence = $1 RETURNING id)
    INSERT INTO reference_entries (writer, sequence, recorded_at, user_digest, content, mac)
    SELECT head.id, $1 + place, $6, user_digest, content, entry.mac
    FROM head, unnest($3::bytea[], $4::text[], $5::bytea[]) WITH ORDINALITY AS entry (user_digest, content, mac, place)`;
  let end = { sequence: 0, mac: keys.mac('audit.chain', ['writer', '1']) };
  const group = new MicroBatch<Entry, void>(async (entries) => {
    const now = new Date();
    const digests = entries.map(({ userId }) => keys.mac('audit.user', ['digest', environment, userId]));
    let head = end;
    const macs = entries.map(({ content }, at) => {
      const sequence = head.sequence + 1;
      const fields = ['entry', head.mac, String(sequence), now.toISOString(), digests[at] ?? '', content];
      head = { sequence, mac: keys.mac('audit.chain', fields) };
      return head.mac;
    });
    const signature = keys.mac('audit.chain', ['head', String(head.sequence), head.mac]);
    const contents = entries.map(({ content }) => content);
    const values = [end.sequence, signature, digests, contents, macs, now];
    const { rowCount } = await pool.query({ name, text, values });
    if (rowCount !== entries.length) {
      throw new Error('The trail does not end where this process left it.');
    }
    end = head;
    return entries.map(() => undefined);
  }, limits);
  return (entry) => group.add(entry);
}

function known<T>(value: T | undefined): T {
  if (value === undefined) {
    throw new Error('There is no such key.');
  }
  return value;
}
