import { resolve } from 'node:path';
import type { Environment } from '../../config/read-environment.js';
import { readOutboundSettings } from '../../provider-kit/http/outbound.config.js';
import type { CatalogueEntry } from '../provider-catalogue.js';
import { textTable } from '../text-table.js';
import { askProvider, type ProbeResult } from './live-doctor.js';
import { ProbeDiary } from './probe-diary.js';

/** The operator's choice on the command line. */
export interface LiveChoice {
  /** Slugs; all configured providers if there are none. */
  readonly slugs: readonly string[];
  readonly withClient: boolean;
}

/** The results of one provider, or the time from which it may be asked again. */
export interface LiveReport {
  readonly provider: string;
  readonly blockedUntil?: Date;
  readonly results?: readonly ProbeResult[];
}

/** The file with the time of each provider's last probes. */
export const diaryFile = '.cufflink/live-probes.json';

/**
 * Asks the chosen providers, one after the other.
 *
 * @param catalogue - as the environment configures the providers, without a sandbox
 * @returns a report for each; empty when no provider is configured
 * @throws Error when a slug names no provider
 */
export async function askProviders(
  catalogue: readonly CatalogueEntry[],
  choice: LiveChoice,
  { environment, now = () => new Date() }: { readonly environment: Environment; readonly now?: () => Date },
): Promise<LiveReport[]> {
  const strangers = choice.slugs.filter((slug) => !catalogue.some(({ definition }) => definition.slug === slug));
  if (strangers.length > 0) {
    throw new Error(`There is no provider ${strangers.join(', ')}. "providers" lists them.`);
  }
  const chosen = catalogue.filter(({ definition, settings, problem }) =>
    choice.slugs.length === 0
      ? settings.mode === 'configured' && problem === undefined
      : choice.slugs.includes(definition.slug),
  );
  const diary = await ProbeDiary.open(resolve(diaryFile));
  const reports: LiveReport[] = [];
  for (const entry of chosen) {
    const { slug } = entry.definition;
    const blockedUntil = diary.blockedUntil(slug, now());
    if (blockedUntil !== undefined) {
      reports.push({ provider: slug, blockedUntil });
      continue;
    }
    const before = diary.memoryOf(slug);
    await diary.note(slug, now(), before);
    const outbound = readOutboundSettings(environment);
    const { results, memory } = await askProvider(entry, { withClient: choice.withClient, outbound, now, before });
    await diary.note(slug, now(), memory);
    reports.push({ provider: slug, results });
  }
  return reports;
}

/** Writes the reports for a person. */
export function renderLive(reports: readonly LiveReport[]): string {
  return reports.length === 0
    ? 'No provider is configured. Name the providers to ask, for example: doctor --live strava.'
    : reports.map(renderLiveReport).join('\n');
}

function renderLiveReport({ provider, blockedUntil, results = [] }: LiveReport): string {
  return blockedUntil === undefined
    ? `${provider}\n${renderResults(results)}\n`
    : `${provider}\nAsked less than a day ago. It can be asked again from ${blockedUntil.toISOString()} on.\n`;
}

function renderResults(results: readonly ProbeResult[]): string {
  const differing = results.filter(({ verdict }) => verdict === 'DIFFERS').length;
  const table = textTable(results.map(({ verdict, probe, compared }) => [verdict, probe, compared]));
  return `${table}\n${differing === 0 ? 'Nothing differs.' : `${differing} of ${results.length} differ.`}`;
}
