import { Counter, Histogram } from 'prom-client';

/** Callbacks with an unchecked issuer (RFC 9207), because the provider's definition declares none. */
export const uncheckedIssuers = new Counter({
  name: 'cufflink_unchecked_issuers_total',
  help: 'Callbacks whose issuer was not checked, because the provider declares none',
  labelNames: ['provider'] as const,
});

/** Calls of token endpoints, from the request to the end of the response or of the wait for it. */
export const tokenCallSeconds = new Histogram({
  name: 'cufflink_token_call_seconds',
  help: 'Duration of calls to token endpoints by provider, grant type and whether the provider responded',
  labelNames: ['provider', 'grant_type', 'outcome'] as const,
  buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60],
});
