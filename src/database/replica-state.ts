import type { Statement } from './database.js';

/** SQL: which database this is. A physical standby has the same answer as its primary. */
const identity = `(SELECT system_identifier FROM pg_control_system()) || '/' ||
  (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** Reads the `identity` of a primary. */
export const identify: Statement = { name: 'read-replica-identify', text: `SELECT ${identity} AS identity` };

/** Reads the {@link ReplicaState} of a replica. */
export const look: Statement = {
  name: 'read-replica-look',
  text: `SELECT ${identity} AS identity, "isStandby", as_of AS "asOf",
           (extract(epoch FROM now() - as_of) * 1000)::float8 AS "ageMs"
         FROM (SELECT pg_is_in_recovery() AS "isStandby",
           CASE WHEN pg_is_in_recovery() THEN pg_last_xact_replay_timestamp() ELSE now() END AS as_of) AS known`,
};

/** The identity and the age of a server that is meant to be a read replica. */
export interface ReplicaState {
  readonly identity: string;
  /** `false` for a primary. */
  readonly isStandby: boolean;
  /** `null` before the first commit that the replica has replayed, and where the server does not tell. */
  readonly asOf: Date | null;
  readonly ageMs: number | null;
}

/** Returns why a server cannot be the replica of a primary, as a sentence; `undefined` if it is one. */
export function findForeignIdentity(state: ReplicaState, primaryIdentity: string | undefined): string | undefined {
  return state.identity === primaryIdentity ? undefined : 'It is no replica of the database of DATABASE_URL.';
}

/** Why a replica without an age must not be read. */
export const ageUnknown = 'It does not tell how old its data is.';

/** Returns why a replica must not be read now, as a sentence; `undefined` if its data is young enough. */
export function findOldData({ ageMs }: ReplicaState, maxAgeMs: number): string | undefined {
  if (ageMs === null) {
    return ageUnknown;
  }
  return ageMs > maxAgeMs
    ? `Its data is ${Math.round(ageMs / 1_000)} s old, more than DATABASE_READ_MAX_AGE_SECONDS.`
    : undefined;
}
