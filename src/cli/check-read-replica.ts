import pg from 'pg';
import type { DataSource } from 'typeorm';
import { describeBootError } from '../config/boot-error.js';
import { readPoolOptions } from '../database/data-source-options.js';
import type { DatabaseConfig } from '../database/database.config.js';
import { findForeignIdentity, findOldData, identify, look, type ReplicaState } from '../database/replica-state.js';
import type { Finding } from './doctor.js';

const subject = 'read replica';

/**
 * Looks whether the server of DATABASE_READ_URL responds, is a standby of the primary, and has young enough data.
 *
 * @param primary - the database of DATABASE_URL
 * @returns nothing without a replica
 */
export async function checkReadReplica(
  primary: DataSource,
  { readUrl, readMaxAgeMs }: Pick<DatabaseConfig, 'readUrl' | 'readMaxAgeMs'>,
): Promise<Finding[]> {
  if (readUrl === undefined) {
    return [];
  }
  const replica = new pg.Pool(readPoolOptions(readUrl));
  // Without a listener, an idle connection that breaks would end the process.
  replica.on('error', () => undefined);
  try {
    const { rows } = await replica.query<ReplicaState>(look.text);
    const [own] = await primary.query<{ identity: string }[]>(identify.text);
    return rows.map((state) => judgeReplica(state, own?.identity, readMaxAgeMs));
  } catch (error) {
    return [{ verdict: 'wrong', subject, text: describeBootError(error, 'DATABASE_READ_URL') }];
  } finally {
    await replica.end();
  }
}

/** Says whether lists are read from a replica. An old one is used again when it has caught up. */
function judgeReplica(state: ReplicaState, primaryIdentity: string | undefined, maxAgeMs: number): Finding {
  const foreign = findForeignIdentity(state, primaryIdentity);
  if (foreign !== undefined) {
    return { verdict: 'wrong', subject, text: `${foreign} Lists are read from the primary.` };
  }
  const old = findOldData(state, maxAgeMs);
  if (old !== undefined) {
    return { verdict: 'note', subject, text: `${old} Until it has caught up, lists are read from the primary.` };
  }
  return state.isStandby
    ? { verdict: 'ok', subject, text: `a standby; its data is ${Math.round((state.ageMs ?? 0) / 1_000)} s old` }
    : { verdict: 'note', subject, text: 'DATABASE_READ_URL names the primary itself: lists add to its load.' };
}
