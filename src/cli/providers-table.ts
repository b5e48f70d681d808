import type { Lifecycle } from '../provider-kit/definition/provider-definition.js';
import type { CatalogueEntry } from './provider-catalogue.js';
import { textTable } from './text-table.js';

/** Returns the providers as a table to print. */
export function providersTable(entries: readonly CatalogueEntry[]): string {
  const rows = entries.map((entry) => Object.values(describeProvider(entry)));
  return textTable([['SLUG', 'NAME', 'OAUTH', 'STATE', 'LIFECYCLE'], ...rows]);
}

/** One provider, in the order of the table's columns. */
export function describeProvider(
  entry: CatalogueEntry,
): Record<'slug' | 'name' | 'oauth' | 'state' | 'lifecycle', string> {
  const { slug, displayName: name, oauth, lifecycle } = entry.definition;
  return { slug, name, oauth, state: stateOf(entry), lifecycle: describeLifecycle(lifecycle) };
}

/** Returns whether a provider can be linked, such as `retiring 2026-12-31, then garmin`. */
function describeLifecycle(lifecycle: Lifecycle): string {
  if (lifecycle.status === 'live') {
    return 'live';
  }
  const successor = lifecycle.replacedBy === undefined ? '' : `, then ${lifecycle.replacedBy}`;
  return `${lifecycle.status} ${lifecycle.sunsetAt}${successor}`;
}

function stateOf({ settings, problem }: CatalogueEntry): string {
  if (problem !== undefined) {
    return 'invalid settings';
  }
  return settings.mode === 'not-configured' ? 'off' : settings.mode;
}
