import { Counter } from 'prom-client';

/** Callbacks of known links by provider and outcome: `connected`, or the code of the error. */
export const linkOutcomes = new Counter({
  name: 'cufflink_links_total',
  help: 'Callbacks of known links by provider and outcome',
  labelNames: ['provider', 'outcome'] as const,
});

/** Links started to providers that will be shut down. */
export const retiringLinks = new Counter({
  name: 'cufflink_retiring_links_total',
  help: 'Links started to providers whose end is announced',
  labelNames: ['provider'] as const,
});
