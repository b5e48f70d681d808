import type { StoredEntry } from '../../audit/audit-store.js';
import type { RefreshExpiry } from '../../tokens/policy/connection-state.js';
import { scopesOf } from '../../tokens/store/connection.js';
import { html, type Html, type HtmlContent } from '../../web/html.js';
import { connectionsTable, type ConnectionRow } from './connections-page.js';
import { consolePage, instant, stateOf, table, userLink } from './console-page.js';

/** The connections of one user. */
export function userPage(userId: string, rows: readonly ConnectionRow[]): string {
  return consolePage({
    title: 'User',
    place: undefined,
    content: html`<p class="breakable">The connections of <strong>${userId}</strong>.</p>
      ${connectionsTable('Connections', rows, 'This user has no connection.')}`,
  });
}

/** One connection and its history, newest entries first. */
export function connectionPage(
  { connection, state: { status, reason } }: ConnectionRow,
  expiry: RefreshExpiry | undefined,
  entries: readonly StoredEntry[],
): string {
  const { userId, provider, id, failedAttempts, lastErrorCode, lastErrorAt } = connection;
  const scopes = scopesOf(connection);
  const facts: readonly (readonly [string, HtmlContent])[] = [
    ['User', userLink(userId)],
    ['Provider', provider],
    ['Connection', html`<code>${id}</code>`],
    ['State', stateOf(status, reason)],
    ['Linked', instant(connection.linkedAt)],
    ['Ended', instant(connection.endedAt)],
    ['Last refreshed', instant(connection.lastRefreshedAt)],
    ['Access token expires', connection.expiresAt === null ? 'never, or unknown' : instant(connection.expiresAt)],
    ['Refresh token', connection.refreshable ? 'present' : 'none'],
    ['Refresh token expires', expiry === undefined ? 'unknown' : instant(expiry.at)],
    ['Failed refreshes in a row', String(failedAttempts)],
    ['Last error', lastErrorCode === null ? 'none' : html`<code>${lastErrorCode}</code> at ${instant(lastErrorAt)}`],
    ['Scopes granted', scopes === null ? 'unknown' : scopes.join(' ') || 'none'],
    ['Scopes requested', connection.scopesRequested.join(' ') || 'none'],
  ];
  return consolePage({
    title: 'Connection',
    place: undefined,
    content: html`${table('Facts', ['Fact', 'Value'], facts.map(toFact), '')}
      <h2>History</h2>
      <p class="muted">From the audit trail, newest first, at most ${String(historyLength)} entries.</p>
      ${table(
        'History',
        ['At', 'Action', 'Outcome', 'Actor', 'About'],
        entries.map(toEntry),
        'The audit trail has no entry of this connection.',
      )}`,
  });
}

/** The most entries of a history. */
export const historyLength = 100;

function toFact([name, value]: readonly [string, HtmlContent]): Html {
  return html`<tr>
    <th scope="row">${name}</th>
    <td class="breakable">${value}</td>
  </tr>`;
}

function toEntry({ recordedAt, action, outcome, actor, subject, code }: StoredEntry): Html {
  return html`<tr>
    <td>${instant(recordedAt)}</td>
    <td><code>${action}</code></td>
    <td class="${outcome === 'success' ? 'good' : 'bad'}">${outcome}</td>
    <td>${actor}</td>
    <td>${code === null ? '' : html`<code>${code}</code>`} ${subject ?? ''}</td>
  </tr>`;
}
