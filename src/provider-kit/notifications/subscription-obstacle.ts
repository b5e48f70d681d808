import { hookUrl } from '../definition/notification-settings.js';
import { environmentPrefix } from '../definition/provider-settings.js';
import type { HealthProvider } from '../health-provider.js';

/** Returns the setting that keeps this deployment from creating subscriptions; `undefined` if none does. */
export function subscriptionObstacle({
  definition,
  settings,
}: Pick<HealthProvider, 'definition' | 'settings'>): string | undefined {
  const subscriptions = definition.notifications?.subscriptions;
  const { mode, notifications } = settings;
  if (subscriptions === undefined || mode === 'not-configured') {
    return undefined;
  }
  const { create, maxUrlLength = Infinity } = subscriptions;
  if (Object.values(create.fields ?? {}).includes('{verifyToken}') && notifications.verifyToken === undefined) {
    return `Set ${environmentPrefix(definition.slug)}_HOOK_VERIFY_TOKEN to a random text: the provider repeats it.`;
  }
  const url = hookUrl(notifications);
  if (mode === 'configured' && !url.startsWith('https:')) {
    return 'Set PUBLIC_URL to an https URL that the provider can reach.';
  }
  return url.length > maxUrlLength
    ? `The URL of the hook has more than ${maxUrlLength} characters. Use a shorter PUBLIC_URL or path secret.`
    : undefined;
}
