import { Injectable } from '@nestjs/common';
import { Database, type Query } from '../database/database.js';
import type { Connection } from '../tokens/store/connection.js';
import {
  filterValues,
  mostExamined,
  planWalk,
  readChanged,
  type FleetFilter,
  type FleetKey,
} from './fleet-statements.js';

/** Where the next page begins. */
export interface FleetPlace extends FleetKey {
  /** Whether too many connections changed since the instant of the filter to begin with those. */
  readonly isBusy: boolean;
}

/** Connections of all users, in the order of user and provider. */
export interface FleetPage {
  readonly connections: readonly Connection[];
  /** `undefined` on the last page. Another page may follow one that is not full, and one that is empty. */
  readonly next: FleetPlace | undefined;
}

const beginning: FleetPlace = { userId: '', provider: '', isBusy: false };

/** The connections table as a list over all users. */
@Injectable()
export class FleetStore {
  constructor(private readonly database: Database) {}

  /**
   * Returns one page of connections, in the order of the primary key. All pages together have each connection once that
   * matches the filter the whole time. Changes between two pages neither repeat nor skip a connection.
   *
   * A page is read from the index that fits the filter best. The rest of the filter is checked on the rows. A page
   * examines at most 10,000 rows, so its time does not grow with the table.
   *
   * @param filter - compared with the rows; an end that a row does not show yet does not count
   * @param size - most connections
   * @param after - `next` of the page before
   * @param query - how to run a statement, such as on a read replica; on the primary if absent
   * @throws {@link DatabaseUnavailableError}
   */
  async list(
    filter: FleetFilter,
    size: number,
    after: FleetPlace = beginning,
    query: Query = (statement, values) => this.database.query(statement, values),
  ): Promise<FleetPage> {
    const changed =
      filter.updatedAfter === undefined || after.isBusy ? undefined : await listChanged(query, filter, size, after);
    return changed ?? walk(query, filter, size, { ...after, isBusy: filter.updatedAfter !== undefined });
  }
}

/** Returns a page of the connections that changed since the instant of the filter; `undefined` if too many did. */
async function listChanged(
  query: Query,
  filter: FleetFilter,
  size: number,
  after: FleetKey,
): Promise<FleetPage | undefined> {
  type Row = (Connection | { readonly userId: null }) & { readonly examined: number };
  const rows = await query<Row>(readChanged, [
    after.userId,
    after.provider,
    size + 1,
    filter.updatedAfter,
    ...filterValues(filter),
  ]);
  if ((rows[0]?.examined ?? 0) > mostExamined) {
    return undefined;
  }
  const found = rows.filter((row): row is Connection & { examined: number } => row.userId !== null);
  return toPage(found, size, undefined, false);
}

async function walk(query: Query, filter: FleetFilter, size: number, after: FleetPlace): Promise<FleetPage> {
  const plan = planWalk(filter);
  const values = [after.userId, after.provider];
  if (plan.isExact) {
    const found = await query<Connection>(plan.readExact, [...values, size + 1, ...plan.values]);
    return toPage(found, size, undefined, after.isBusy);
  }
  const [end] = await query<FleetKey>(plan.findEnd, [...values, mostExamined, ...plan.values]);
  const [statement, upTo] = end === undefined ? [plan.read, []] : [plan.readTo, [end.userId, end.provider]];
  const read = [...values, size + 1, ...plan.values, ...filterValues(filter), ...upTo];
  return toPage(await query<Connection>(statement, read), size, end, after.isBusy);
}

/** @param end - the last key that was examined, if more rows follow */
function toPage(found: readonly Connection[], size: number, end: FleetKey | undefined, isBusy: boolean): FleetPage {
  const connections = found.slice(0, size);
  const last = found.length > size ? connections.at(-1) : end;
  return { connections, next: last && { userId: last.userId, provider: last.provider, isBusy } };
}
