import type { NotificationChannel, Notifications } from './notifications.js';
import { Secret } from './secret.js';

/** This deployment's settings for the notifications of one provider. */
export interface NotificationSettings {
  /** Where the provider sends notifications, without the path secret. */
  readonly url: string;
  /** Last segment of the URL, if the operator has set one; a request without it is refused. */
  readonly pathSecret: Secret | undefined;
  /** A secret of the provider's portal that proves notifications. */
  readonly secret: Secret | undefined;
  /** The token that the provider repeats when it checks the URL. */
  readonly verifyToken: Secret | undefined;
  /** The provider's id of the app's one subscription; `undefined` if Cufflink has not created it. */
  readonly subscriptionId?: string | undefined;
  /** URL at which an access token is tried, if not at the account call. */
  readonly checkUrl: string | undefined;
  /** Where subscriptions are created. */
  readonly subscriptionsUrl: string | undefined;
  /** Where the keys of each channel are, in the order of the channels. */
  readonly keyUrls: readonly (string | undefined)[];
}

/** Settings of a provider that sends nothing. */
export const noNotificationSettings: NotificationSettings = {
  url: '',
  pathSecret: undefined,
  secret: undefined,
  verifyToken: undefined,
  checkUrl: undefined,
  subscriptionsUrl: undefined,
  keyUrls: [],
};

/** The hook secret of the provider's fake; not a secret. */
export function sandboxHookSecret(slug: string): string {
  return Buffer.from(`hook-secret-of-${slug}-not-a-real-secret`).toString('base64');
}

/** The token that the provider's fake repeats when it checks the URL. */
export function sandboxVerifyToken(slug: string): string {
  return `verify-${slug}-not-a-real-token`;
}

const pathSecretShape = /^[\w-]{16,128}$/;

/**
 * Reads the settings of a provider's notifications: `<PREFIX>_HOOK_PATH_SECRET`, `_HOOK_SECRET`, `_HOOK_VERIFY_TOKEN`,
 * `_HOOK_CHECK_URL`, `_HOOK_SUBSCRIPTIONS_URL` and, for a provider whose keys are published, `_HOOK_KEYS_URL`.
 *
 * @param definition - the provider's facts
 * @param publicUrl - base URL of this deployment, without a slash at the end
 * @param read - reads a variable by its name without the prefix; `undefined` when it is not set
 * @param moved - returns the URL in force
 * @throws Error naming the variable when a value is malformed
 */
export function readNotificationSettings(
  { slug, notifications }: { readonly slug: string; readonly notifications?: Notifications },
  publicUrl: string,
  read: (name: string) => string | undefined,
  moved: (name: string, url: string) => string,
): NotificationSettings {
  if (notifications === undefined) {
    return noNotificationSettings;
  }
  const prefix = slug.toUpperCase().replaceAll('-', '_');
  const secretOf = (name: string): Secret | undefined => {
    const value = read(name);
    return value === undefined ? undefined : new Secret(value);
  };
  const pathSecret = read('HOOK_PATH_SECRET');
  if (pathSecret !== undefined && !pathSecretShape.test(pathSecret)) {
    throw new Error(`${prefix}_HOOK_PATH_SECRET must be 16 to 128 letters, digits, "-" or "_".`);
  }
  const { checkUrl, channels, subscriptions } = notifications;
  const keyUrls = channels.map(keysUrlOf);
  return {
    url: `${publicUrl}/v1/hooks/${slug}`,
    pathSecret: secretOf('HOOK_PATH_SECRET'),
    secret: secretOf('HOOK_SECRET'),
    verifyToken: secretOf('HOOK_VERIFY_TOKEN'),
    checkUrl: checkUrl === undefined ? undefined : moved('HOOK_CHECK_URL', checkUrl),
    subscriptionsUrl: subscriptions && moved('HOOK_SUBSCRIPTIONS_URL', subscriptions.url),
    keyUrls: keyUrls.map((url, index) => url && moved(index === 0 ? 'HOOK_KEYS_URL' : `HOOK_KEYS_URL_${index}`, url)),
  };
}

/** Settings for the provider's fake: its secrets, and its URLs. */
export function sandboxNotificationSettings(
  { slug, notifications }: { readonly slug: string; readonly notifications?: Notifications },
  publicUrl: string,
  moved: (url: string) => string,
): NotificationSettings {
  if (notifications === undefined) {
    return noNotificationSettings;
  }
  return {
    url: `${publicUrl}/v1/hooks/${slug}`,
    pathSecret: undefined,
    secret: new Secret(sandboxHookSecret(slug)),
    verifyToken: new Secret(sandboxVerifyToken(slug)),
    checkUrl: notifications.checkUrl && moved(notifications.checkUrl),
    subscriptionsUrl: notifications.subscriptions && moved(notifications.subscriptions.url),
    keyUrls: notifications.channels.map(keysUrlOf).map((url) => url && moved(url)),
  };
}

/** Returns the URL to which a provider sends notifications. It may end in a secret. */
export function hookUrl({ url, pathSecret }: NotificationSettings): string {
  return pathSecret === undefined ? url : `${url}/${pathSecret.reveal()}`;
}

/** Returns every URL of the notifications that this deployment calls. */
export function urlsOfNotifications(notifications: Notifications): readonly (string | undefined)[] {
  const { checkUrl, subscriptions, channels } = notifications;
  return [checkUrl, subscriptions?.url, ...channels.map(keysUrlOf)];
}

function keysUrlOf({ proof }: NotificationChannel): string | undefined {
  return proof.kind === 'jws' || proof.kind === 'ecdsa' ? proof.keysUrl : undefined;
}
