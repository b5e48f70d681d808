import { Counter, Gauge } from 'prom-client';

/** Attempts to deliver events, by endpoint and outcome: those of {@link attemptOutcomes}. */
export const deliveries = new Counter({
  name: 'cufflink_webhook_deliveries_total',
  help: 'Attempts to deliver events, by endpoint and outcome',
  labelNames: ['endpoint', 'outcome'] as const,
});

/** Endpoints that were disabled, by reason: `failing` or `gone`. */
export const disabledEndpoints = new Counter({
  name: 'cufflink_webhook_endpoints_disabled_total',
  help: 'Webhook endpoints that were disabled automatically, by reason',
  labelNames: ['reason'] as const,
});

/** How far the deliveries are behind the stream. Set by the process that queues events. */
export const dispatchLag = new Gauge({
  name: 'cufflink_webhook_dispatch_lag_seconds',
  help: 'Age of the last event when it was queued for delivery',
});
