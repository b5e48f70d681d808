import type { HealthProvider } from '../health-provider.js';

/** Whether the provider has a call without side effects that shows if an access token is accepted. */
export function canCheckAccess({ settings }: Pick<HealthProvider, 'settings'>): boolean {
  return settings.notifications.checkUrl !== undefined || settings.endpoints.accountUrl !== undefined;
}
