import { Injectable } from '@nestjs/common';
import { readCursor, toCursor } from '../connections/fleet-cursor.js';
import { ReadReplica, type ReadResult } from '../database/read-replica.js';
import { FleetStore, type FleetPage } from '../fleet/fleet-store.js';

/** Connections on a page. */
const pageSize = 50;
const filterNames = ['provider', 'status', 'reason', 'error'] as const;

/** A page of connections for the console. */
export interface ChosenConnections {
  /** The filters that are set, by their names. */
  readonly chosen: Readonly<Record<string, string>>;
  readonly read: ReadResult<FleetPage>;
  /** The query of the next page; `undefined` on the last one. */
  readonly next: string | undefined;
}

/** The list of connections, by the query of a page. */
@Injectable()
export class ConsoleConnections {
  constructor(
    private readonly fleet: FleetStore,
    private readonly replica: ReadReplica,
  ) {}

  /**
   * Returns the connections of a query. Without a filter these are the connections that need a new link.
   *
   * @throws {@link RequestInvalidError} when the cursor is not one of ours
   */
  async list(query: Readonly<Record<string, unknown>>): Promise<ChosenConnections> {
    const named = filterNames.some((name) => query[name] !== undefined);
    const given = named ? query : { ...query, status: 'needs_relink' };
    const chosen: Record<string, string> = {};
    for (const name of filterNames) {
      const value = given[name];
      if (typeof value === 'string' && /^[A-Za-z0-9_-]{1,100}$/.test(value)) {
        chosen[name] = value;
      }
    }
    const cursor = typeof query['cursor'] === 'string' ? readCursor(query['cursor']) : undefined;
    const read = await this.replica.read((run) => this.fleet.list(chosen, pageSize, cursor, run));
    const { next: place } = read.result;
    const next = place && new URLSearchParams({ ...chosen, cursor: toCursor(place) }).toString();
    return { chosen, read, next };
  }
}
