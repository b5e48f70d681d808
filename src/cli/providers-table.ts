import type { Lifecycle } from '../provider-kit/provider-definition.js';
import type { CatalogueEntry } from './provider-catalogue.js';
import { textTable } from './text-table.js';

/** Returns the providers as a table to print. */
export function providersTable(entries: readonly CatalogueEntry[]): string {
  const rows = entries.map(({ definition, settings }) => [
    definition.slug,
    definition.displayName,
    definition.oauth,
    stateOf(settings),
    describeLifecycle(definition.lifecycle),
  ]);
  return textTable([['SLUG', 'NAME', 'OAUTH', 'STATE', 'LIFECYCLE'], ...rows]);
}

/** Returns what is known about a provider's end, such as `retiring 2026-12-31, then garmin`. */
export function describeLifecycle(lifecycle: Lifecycle): string {
  if (lifecycle.status === 'live') {
    return 'live';
  }
  const successor = lifecycle.replacedBy === undefined ? '' : `, then ${lifecycle.replacedBy}`;
  return `${lifecycle.status} ${lifecycle.sunsetAt}${successor}`;
}

function stateOf(settings: CatalogueEntry['settings']): string {
  if ('problem' in settings) {
    return 'wrong settings';
  }
  return settings.mode === 'not-configured' ? 'off' : settings.mode;
}
