import { Counter } from 'prom-client';

/**
 * Links that ended by their callback or confirmation, by provider and outcome:
 * - `connected`
 * - `user_mismatch`: confirmed for another user
 * - `rejected_binding`: came back in another browser
 * - the code of the error
 */
export const linkOutcomes = new Counter({
  name: 'cufflink_links_total',
  help: 'Links that ended by their callback or confirmation, by provider and outcome',
  labelNames: ['provider', 'outcome'] as const,
});

/** Links started to providers that will be shut down. */
export const retiringLinks = new Counter({
  name: 'cufflink_retiring_links_total',
  help: 'Links started to providers whose end is announced',
  labelNames: ['provider'] as const,
});

/** Stages of a link, from the start to the connection. */
export type LinkStage = 'started' | 'returned' | 'parked' | 'confirmed' | 'connected';

/** Links that reached a stage, by provider: `parked` and `confirmed` only where links need confirmation. */
export const linkStages = new Counter({
  name: 'cufflink_link_stages_total',
  help: 'Links that reached a stage of the funnel, by provider',
  labelNames: ['provider', 'stage'] as const,
});

/** Counts a link at a stage. */
export function countStage(provider: string, stage: LinkStage): void {
  linkStages.inc({ provider, stage });
}
