import { Counter } from 'prom-client';

/** Refreshes by provider and outcome: `refreshed`, `superseded`, or the code of the error. */
export const refreshes = new Counter({
  name: 'cufflink_refreshes_total',
  help: 'Refreshes by provider and outcome',
  labelNames: ['provider', 'outcome'] as const,
});

/** Tokens handed out by provider and how: `fresh`, `refreshed`, or `stale` when a refresh failed but the token still works. */
export const handOuts = new Counter({
  name: 'cufflink_token_hand_outs_total',
  help: 'Tokens handed out by provider and how they came about',
  labelNames: ['provider', 'how'] as const,
});
