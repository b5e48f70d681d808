import type { ReadResult } from '../../database/read-replica.js';
import type { ConnectionCount } from '../../fleet/fleet-count.js';
import { errorActors } from '../../errors/error-code.js';
import { stateReasons, type ConnectionState } from '../../tokens/policy/connection-state.js';
import type { Connection } from '../../tokens/store/connection.js';
import { html, type Html } from '../../web/html.js';
import {
  ageNotice,
  connectionLink,
  consolePage,
  count,
  instant,
  numberHead,
  option,
  stateOf,
  table,
  userLink,
} from './console-page.js';

/** A connection and its current state. */
export interface ConnectionRow {
  readonly connection: Connection;
  readonly state: ConnectionState;
}

/** The content of the list. */
export interface ConnectionList {
  readonly rows: readonly ConnectionRow[];
  /** The chosen filters by their names. */
  readonly chosen: Readonly<Record<string, string>>;
  /** Slugs to choose from. */
  readonly providers: readonly string[];
  readonly counts: readonly ConnectionCount[];
  /** The query of the next page; `undefined` on the last one. */
  readonly next: string | undefined;
  /** How old the rows are. */
  readonly read: Omit<ReadResult<unknown>, 'result'>;
}

/** Connections by filters; at first those that need a new link, with the reasons why. */
export function connectionsPage({ rows, chosen, providers, counts, next, read }: ConnectionList): string {
  const reasons = Map.groupBy(
    counts.filter(({ reason, status }) => reason !== null && status === 'needs_relink'),
    ({ reason }) => reason ?? '',
  );
  return consolePage({
    title: 'Connections',
    place: '/console/connections',
    content: html`<h2>Why connections need a relink</h2>
      ${table(
        'Reasons',
        ['Reason', numberHead('Connections')],
        [...reasons].map(
          ([reason, each]) =>
            html`<tr>
              <th scope="row"><a href="/console/connections?status=needs_relink&amp;reason=${reason}">${reason}</a></th>
              <td class="number">${count(each.reduce((sum, { connections }) => sum + connections, 0))}</td>
            </tr>`,
        ),
        'No connection needs a relink.',
      )}
      <h2>List</h2>
      <form class="filters">
        ${select('provider', 'Provider', providers, chosen)}
        ${select('status', 'State', ['active', 'needs_relink'], chosen)}
        ${select('reason', 'Reason', stateReasons, chosen)}
        ${select('error', 'Last error', Object.keys(errorActors), chosen)}
        <button class="quiet">Show</button>
      </form>
      ${connectionsTable('Connections', rows, 'None matches on this page.')} ${ageNotice(read)}
      ${next !== undefined && html`<p><a class="button quiet" href="/console/connections?${next}">Next page</a></p>`}`,
  });
}

/** A table of connections. */
export function connectionsTable(name: string, rows: readonly ConnectionRow[], empty: string): Html {
  return table(name, ['User', 'Provider', 'State', 'Last error', 'Linked', 'Last refreshed'], rows.map(toRow), empty);
}

function toRow({ connection, state: { status, reason } }: ConnectionRow): Html {
  const { userId, provider, lastErrorCode, lastErrorAt, linkedAt, lastRefreshedAt } = connection;
  return html`<tr>
    <th scope="row" class="breakable">${userLink(userId)}</th>
    <td>${connectionLink(userId, provider)}</td>
    <td>${stateOf(status, reason)}</td>
    <td>${lastErrorCode === null ? '' : html`<code>${lastErrorCode}</code><br />${instant(lastErrorAt)}`}</td>
    <td>${instant(linkedAt)}</td>
    <td>${instant(lastRefreshedAt)}</td>
  </tr>`;
}

function select(
  name: string,
  label: string,
  values: readonly string[],
  chosen: Readonly<Record<string, string>>,
): Html {
  return html`<div>
    <label for="${name}">${label}</label>
    <select id="${name}" name="${name}">
      <option value="">any</option>
      ${values.map((value) => option(value, value, chosen[name]))}
    </select>
  </div>`;
}
