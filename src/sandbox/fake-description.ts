import type { NotificationKind } from '../provider-kit/definition/notifications.js';
import type { FakeProvider } from './fake-provider.js';
import { notificationKinds } from './orders/notifier.js';

/** Description of a fake provider for people, shown by `GET /` and returned by `GET /_control`. */
export interface FakeDescription {
  readonly slug: string;
  readonly displayName: string;
  readonly oauth: '1.0a' | '2.0';
  readonly url: string;
  /** A path of its API to try, below the API's base URL. */
  readonly tryPath: string;
  readonly liveGrants: number;
  /** The endpoints that can be ordered to go wrong. */
  readonly endpoints: readonly string[];
  /** Those that go wrong now. */
  readonly misbehaving: readonly string[];
  /** The notifications that it can send. */
  readonly notifications: readonly NotificationKind[];
}

export async function describeFake(fake: FakeProvider): Promise<FakeDescription> {
  const { slug, displayName, url, definition, endpoints, misbehavingEndpoints } = fake;
  const sent = await Promise.all(
    notificationKinds.map(async (kind) => (await fake.notifier.prepare({ kind, accountIds: ['1'] })).length > 0),
  );
  return {
    slug,
    displayName,
    oauth: definition.oauth,
    url,
    tryPath: definition.apiPath.slice((definition.apiBasePath ?? '').length),
    liveGrants: fake.liveGrants().length,
    endpoints,
    misbehaving: misbehavingEndpoints,
    notifications: notificationKinds.filter((_, index) => sent[index]),
  };
}
