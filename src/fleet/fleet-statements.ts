import type { Statement } from '../database/database.js';
import { connectionColumns } from '../tokens/store/connection.js';
import { storedReason, updatedAt } from './fleet-columns.js';

/** Filter of connections. A field that is `undefined` does not filter. */
export interface FleetFilter {
  readonly provider?: string | undefined;
  readonly status?: string | undefined;
  readonly reason?: string | undefined;
  /** Code of the last error. */
  readonly error?: string | undefined;
  /** Only those linked, refreshed, failed or ended after this instant. */
  readonly updatedAfter?: Date | undefined;
  /** Only these providers. */
  readonly providers?: readonly string[] | undefined;
}

/** The key of a connection. It orders the list, and no change of a connection alters it. */
export interface FleetKey {
  readonly userId: string;
  readonly provider: string;
}

/** An index from which the list is read in the order of the key. */
interface Walk {
  /** SQL: the part of the index, over the parameters from `$4` on. One for each range that is merged. */
  readonly ranges: readonly string[];
  /** The columns in which the rows of the index are ordered. */
  readonly order: 'user_id' | 'user_id, provider';
  /** How many parameters the ranges have. */
  readonly parameters: number;
}

const walks = {
  all: { ranges: ['true'], order: 'user_id, provider', parameters: 0 },
  provider: {
    ranges: [`provider = $4 AND status = 'active'`, `provider = $4 AND status = 'needs_relink'`],
    order: 'user_id',
    parameters: 1,
  },
  'provider-status': { ranges: ['provider = $4 AND status = $5'], order: 'user_id', parameters: 2 },
  ended: { ranges: [`status = 'needs_relink'`], order: 'user_id, provider', parameters: 0 },
  reason: { ranges: [`${storedReason} = $4`], order: 'user_id, provider', parameters: 1 },
  error: { ranges: ['last_error_code = $4'], order: 'user_id, provider', parameters: 1 },
} as const satisfies Record<string, Walk>;

type WalkName = keyof typeof walks;

/** The statements that read the list by one index. `$1`, `$2`: the key before the page; `$3`: the number of rows. */
interface WalkStatements {
  /** Finds the key of the last row that one page may examine. */
  readonly findEnd: Statement;
  /** Reads a page whose rows are all wanted. */
  readonly readExact: Statement;
  /** Reads a page to the end of the index. */
  readonly read: Statement;
  /** Reads a page up to a key. */
  readonly readTo: Statement;
}

/** The most rows that one page examines, wanted or not. */
export const mostExamined = 10_000;

const filterCount = 6;
/** More rows than a page examines, even if many rows are added at that moment. */
const fence = 20_000;

/** SQL: the whole filter. Its parameters begin at a number; `updated` and `reason` are SQL for these two columns. */
function filterFrom(first: number, reason = storedReason, updated = updatedAt): string {
  const [provider, status, wantedReason, error, after, providers] = Array.from(
    { length: filterCount },
    (_, index) => `$${first + index}`,
  );
  return `(${provider}::text IS NULL OR provider = ${provider}) AND (${status}::text IS NULL OR status = ${status})
    AND (${wantedReason}::text IS NULL OR ${reason} = ${wantedReason}) AND (${error}::text IS NULL OR last_error_code = ${error})
    AND (${after}::timestamptz IS NULL OR ${updated} > ${after})
    AND (${providers}::text[] IS NULL OR provider = ANY (${providers}))`;
}

function statementsOf(name: string, { ranges, order, parameters }: Walk): WalkStatements {
  const key = (user: string, provider: string): string => (order === 'user_id' ? user : `(${user}, ${provider})`);
  const columns = order === 'user_id' ? 'user_id' : '(user_id, provider)';
  // A parameter that the text does not name has no type.
  const after = `${columns} > ${key('$1::text', '$2::text')}${order === 'user_id' ? ' AND $2::text IS NOT NULL' : ''}`;
  // Each range is ordered and limited by itself. Otherwise the planner reads and sorts all of a large one.
  const union = (selected: string, condition: string, limit: string | number): string =>
    ranges
      .map(
        (range) =>
          `(SELECT ${selected} FROM connections WHERE ${range} AND ${condition} ORDER BY ${order} LIMIT ${limit})`,
      )
      .join(' UNION ALL ');
  const filter = filterFrom(4 + parameters);
  const end = 4 + parameters + filterCount;
  const upTo = `${columns} <= ${key(`$${end}::text`, `$${end + 1}::text`)}${order === 'user_id' ? ` AND $${end + 1}::text IS NOT NULL` : ''}`;
  // The inner limit tells the planner to follow the index: it knows nothing about how many rows the filter leaves.
  const read = (suffix: string, condition: string): Statement => ({
    name: `fleet-${name}-${suffix}`,
    text: `SELECT ${connectionColumns} FROM (
             SELECT * FROM (${union('*', condition, fence)}) AS ranges ORDER BY ${order} LIMIT ${fence}) AS connections
           WHERE ${filter} ORDER BY ${order} LIMIT $3`,
  });
  return {
    findEnd: {
      name: `fleet-${name}-end`,
      text: `SELECT user_id AS "userId", provider FROM (${union('user_id, provider', after, '$3')}) AS connections
             ORDER BY ${order} OFFSET $3 - 1 LIMIT 1`,
    },
    readExact: {
      name: `fleet-${name}-read-exact`,
      text: `SELECT ${connectionColumns} FROM (${union('*', after, '$3')}) AS connections ORDER BY ${order} LIMIT $3`,
    },
    read: read('read', after),
    readTo: read('read-to', `${after} AND ${upTo}`),
  };
}

const walkStatements = Object.fromEntries(
  Object.entries(walks).map(([name, walk]) => [name, statementsOf(name, walk)]),
) as Record<WalkName, WalkStatements>;

/** The way to read a filter. */
export interface WalkPlan extends WalkStatements {
  /** The parameters of the ranges. */
  readonly values: readonly unknown[];
  /** Whether the index finds the wanted rows and no others. */
  readonly isExact: boolean;
}

/** Chooses the index that leaves the fewest rows to examine. */
export function planWalk({ provider, status, reason, error, updatedAfter, providers }: FleetFilter): WalkPlan {
  const count = [provider, status, reason, error, updatedAfter, providers].filter((each) => each !== undefined).length;
  const plan = (name: WalkName, values: readonly unknown[], used: number): WalkPlan => ({
    ...walkStatements[name],
    values,
    isExact: count === used,
  });
  if (error !== undefined) {
    return plan('error', [error], 1);
  }
  if (reason !== undefined) {
    return plan('reason', [reason], 1);
  }
  if (provider !== undefined) {
    return status === undefined ? plan('provider', [provider], 1) : plan('provider-status', [provider, status], 2);
  }
  return status === 'needs_relink' ? plan('ended', [], 1) : plan('all', [], 0);
}

/** The parameters of a filter, as every reading statement has them. */
export function filterValues({ provider, status, reason, error, updatedAfter, providers }: FleetFilter): unknown[] {
  return [provider, status, reason, error, updatedAfter, providers].map((value) => value ?? null);
}

/**
 * Reads a page of the rows that changed since an instant. `$1`, `$2`: the key before the page; `$3`: the number of
 * rows; `$4`: the instant; then the filter. If more rows changed than may be examined, `examined` says so, and the page
 * must not be used.
 *
 * The order and the constant limit make the planner read the index: it plans without knowing the instant.
 */
export const readChanged: Statement = {
  name: 'fleet-changed-read',
  text: `WITH changed AS MATERIALIZED (
           SELECT user_id, provider, status, ${storedReason} AS reason, last_error_code
           FROM connections WHERE ${updatedAt} > $4::timestamptz ORDER BY ${updatedAt} LIMIT ${mostExamined + 1}
         ), page AS (
           SELECT user_id, provider FROM changed
           WHERE (user_id, provider) > ($1::text, $2::text) AND ${filterFrom(5, 'reason', `timestamptz 'infinity'`)}
           ORDER BY user_id, provider LIMIT $3
         )
         SELECT examined, found.* FROM (SELECT count(*)::int AS examined FROM changed) AS counted
         LEFT JOIN (SELECT ${connectionColumns} FROM page JOIN connections USING (user_id, provider)) AS found ON true
         ORDER BY found."userId", found.provider`,
};
