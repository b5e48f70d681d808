import { Counter } from 'prom-client';

/**
 * Requests to a provider's hook, by outcome: `accepted`, `handshake`, or why it was refused: `forged`, `stale`,
 * `malformed`, `no_secret`, `misrouted`, `wrong_path`, `wrong_handshake`.
 */
export const hookRequests = new Counter({
  name: 'cufflink_hook_requests_total',
  help: 'Requests to the hooks of providers, by provider and outcome',
  labelNames: ['provider', 'outcome'] as const,
});

/**
 * Events of accepted notifications, by outcome: `announced`, `ended` or `checked`. Nothing was done for
 * `unknown_account`, `repeated`, `older_than_link`, `already_ended` and `no_check`.
 */
export const notifiedEvents = new Counter({
  name: 'cufflink_notified_events_total',
  help: 'Events of notifications, by provider, kind and outcome',
  labelNames: ['provider', 'kind', 'outcome'] as const,
});
