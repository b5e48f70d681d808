import { Counter } from 'prom-client';

/**
 * Links that ended by their callback or confirmation, by provider and outcome: `connected`, `user_mismatch` when they
 * were confirmed for another user, `rejected_binding` when they came back in another browser, or the code of the error.
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
