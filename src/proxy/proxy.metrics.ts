import { Counter, Histogram } from 'prom-client';

/**
 * Callers' calls to providers' APIs, by provider and outcome: `2xx` to `5xx`, the code of the error, or `abandoned`.
 */
export const proxiedCalls = new Counter({
  name: 'cufflink_proxied_calls_total',
  help: 'Proxied calls by provider and outcome',
  labelNames: ['provider', 'outcome'] as const,
});

/** Proxied calls, from the caller's request to the provider's response, with a refresh that the call waited for. */
export const proxiedCallSeconds = new Histogram({
  name: 'cufflink_proxied_call_seconds',
  help: 'Duration of proxied calls by provider',
  labelNames: ['provider'] as const,
  buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60],
});
