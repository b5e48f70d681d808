import type { FleetCount } from '../../fleet/fleet-count.js';
import type { RefreshHealth } from '../../fleet/provider-health.js';
import type { Lifecycle } from '../../provider-kit/definition/provider-definition.js';
import { html, type Html } from '../../web/html.js';
import { lineChart } from './charts.js';
import { consolePage, count, instant, numberHead, option, table } from './console-page.js';

/** A provider with its health. */
export interface ProviderRow {
  readonly slug: string;
  readonly name: string;
  readonly lifecycle: Lifecycle;
  readonly health: RefreshHealth;
}

/** The content of the overview. */
export interface Overview {
  /** Providers that have connections or are configured. */
  readonly providers: readonly ProviderRow[];
  readonly counted: FleetCount | undefined;
  /** The last count of each hour, oldest first. */
  readonly history: readonly FleetCount[];
  /** The provider of the chart; all when `undefined`. */
  readonly chosen: string | undefined;
}

/** Connections by state and provider, over time and now; the health of refreshes; providers that end. */
export function overviewPage({ providers, counted, history, chosen }: Overview): string {
  const total = (of: (health: RefreshHealth) => number): number =>
    providers.reduce((sum, { health }) => sum + of(health), 0);
  const name = providers.find(({ slug }) => slug === chosen)?.name ?? 'All providers';
  const valuesOf = (status: string): number[] => history.map((each) => sumOf(each, status, chosen));
  const ending = providers.filter(({ lifecycle }) => lifecycle.status !== 'live');
  return consolePage({
    title: 'Overview',
    place: '/console',
    isLive: true,
    content: html`<div id="now" data-live>
        <dl class="figures">
          ${figure(
            'Active',
            total(({ active }) => active),
          )}
          ${figure(
            'Failing',
            total(({ failing }) => failing),
          )}
          ${figure(
            'Need a relink',
            total(({ needsRelink }) => needsRelink),
          )}
          ${figure(
            'Circuit breakers open',
            total(({ circuitBreaker }) => (circuitBreaker === 'closed' ? 0 : 1)),
          )}
        </dl>
        <p class="muted">Counted at ${instant(counted?.countedAt)} UTC.</p>
      </div>
      <h2>The last seven days</h2>
      <form class="filters">
        <div>
          <label for="provider">Provider</label>
          <select id="provider" name="provider">
            <option value="">All providers</option>
            ${providers.map(({ slug, name: each }) => option(slug, each, chosen))}
          </select>
        </div>
        <button class="quiet">Show</button>
      </form>
      <div id="history" data-live>
        ${lineChart(
          `Connections of ${name} over time`,
          history.map(({ countedAt }) => countedAt),
          [
            { name: 'Active', kind: 'good', values: valuesOf('active') },
            { name: 'Need a relink', kind: 'bad', values: valuesOf('needs_relink') },
          ],
        )}
      </div>
      <h2>Providers</h2>
      <div id="providers" data-live>
        ${table(
          'Providers',
          ['Provider', 'Refreshes', numberHead('Active'), numberHead('Failing'), numberHead('Need a relink')],
          providers.map(toRow),
          'No provider is configured, and none has connections.',
        )}
      </div>
      <h2>Providers that end</h2>
      ${table(
        'Providers that end',
        ['Provider', 'Ends', 'Successor', numberHead('Active connections left')],
        ending.map(toEndingRow),
        'No provider in use has announced its end.',
      )}`,
  });
}

function figure(name: string, value: number): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd>${count(value)}</dd>
  </div>`;
}

function toRow({ slug, name, health }: ProviderRow): Html {
  const share = health.active === 0 ? '' : ` (${((100 * health.failing) / health.active).toFixed(1)} %)`;
  return html`<tr>
    <th scope="row"><a href="/console/connections?provider=${slug}">${name}</a></th>
    <td>${circuitOf(health)}</td>
    <td class="number">${count(health.active)}</td>
    <td class="number">${count(health.failing)}${share}</td>
    <td class="number">${count(health.needsRelink)}</td>
  </tr>`;
}

/** The circuit breaker, in a color and in words. */
export function circuitOf({ circuitBreaker, reason, retryAt }: RefreshHealth): Html {
  if (circuitBreaker === 'closed') {
    return html`<span class="state good">run</span>`;
  }
  return circuitBreaker === 'half_open'
    ? html`<span class="state warn">one trial decides</span> <code>${reason ?? ''}</code>`
    : html`<span class="state bad">paused</span> until ${instant(retryAt)} <code>${reason ?? ''}</code>`;
}

function toEndingRow({ name, lifecycle, health }: ProviderRow): Html {
  const [sunsetAt, successor] =
    lifecycle.status === 'live' ? ['', undefined] : [lifecycle.sunsetAt, lifecycle.replacedBy];
  return html`<tr>
    <th scope="row">${name}</th>
    <td>${sunsetAt}</td>
    <td>${successor ?? 'none'}</td>
    <td class="number">${count(health.active)}</td>
  </tr>`;
}

function sumOf({ counts }: FleetCount, status: string, provider: string | undefined): number {
  return counts
    .filter((each) => each.status === status && (provider === undefined || each.provider === provider))
    .reduce((sum, { connections }) => sum + connections, 0);
}
