import type { ReadResult } from '../../database/read-replica.js';
import { bucketMinutes, countLimit, type UpcomingRefreshes } from '../../fleet/upcoming-refreshes.js';
import { html, type Html } from '../../web/html.js';
import { barChart } from './charts.js';
import { ageNotice, consolePage, count, numberHead, table } from './console-page.js';
import { circuitOf, type ProviderRow } from './overview-page.js';

/** The health of refreshes by provider, and the refreshes of the next hour. */
export function refreshesPage(
  providers: readonly ProviderRow[],
  read: ReadResult<readonly UpcomingRefreshes[]>,
): string {
  const { result: upcoming } = read;
  const buckets = upcoming[0]?.upcoming.map((_, index) =>
    upcoming.reduce((sum, each) => sum + (each.upcoming[index] ?? 0), 0),
  );
  const bySlug = new Map(upcoming.map((each) => [each.provider, each]));
  return consolePage({
    title: 'Refreshes',
    place: '/console/refreshes',
    isLive: true,
    content: html`<div id="refreshes" data-live>
      <h2>The next hour</h2>
      ${
        buckets === undefined
          ? html`<p class="muted">No provider has connections.</p>`
          : barChart(`Refreshes of the next hour, in each ${bucketMinutes} minutes`, buckets, ['now', 'in an hour'])
      }
      <h2>By provider</h2>
      ${table(
        'Refreshes by provider',
        ['Provider', 'Refreshes', numberHead('Due now'), numberHead('Overdue'), numberHead('In the next hour')],
        providers.map((provider) => toRow(provider, bySlug.get(provider.slug))),
        'No provider has connections.',
      )}
      <p class="muted">
        Each count of ${bucketMinutes} minutes ends at ${count(countLimit)}. Refreshes begin before a token expires, see
        <code>TOKEN_REFRESH_MARGIN_SECONDS</code>.
      </p>
      ${ageNotice(read)}
    </div>`,
  });
}

function toRow({ name, health }: ProviderRow, refreshes: UpcomingRefreshes | undefined): Html {
  const overdue = refreshes?.overdueSeconds ?? null;
  return html`<tr>
    <th scope="row">${name}</th>
    <td>${circuitOf(health)}</td>
    <td class="number">${count(refreshes?.due ?? 0)}</td>
    <td class="number">${overdue === null ? '' : `${count(Math.round(overdue))} s`}</td>
    <td class="number">${count((refreshes?.upcoming ?? []).reduce((sum, each) => sum + each, 0))}</td>
  </tr>`;
}
