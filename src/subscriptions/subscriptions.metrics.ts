import { Gauge } from 'prom-client';

/** Subscriptions of apps and users, as this process last counted them. */
export const subscriptions = new Gauge({
  name: 'cufflink_subscriptions',
  help: 'Apps and users with subscriptions to notifications, by provider and state',
  labelNames: ['provider', 'state'] as const,
});
