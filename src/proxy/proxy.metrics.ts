import { Counter } from 'prom-client';

/**
 * Calls of callers that went to providers' APIs, by provider and outcome: `2xx` to `5xx`, the code of the error, or
 * `abandoned`.
 */
export const proxiedCalls = new Counter({
  name: 'cufflink_proxied_calls_total',
  help: 'Proxied calls by provider and outcome',
  labelNames: ['provider', 'outcome'] as const,
});
