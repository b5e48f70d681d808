import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Notifications } from '../provider-kit/definition/notifications.js';
import { noNotificationSettings } from '../provider-kit/definition/notification-settings.js';
import type { ProviderDefinition } from '../provider-kit/definition/provider-definition.js';
import { readProviderSettings } from '../provider-kit/definition/provider-settings.js';
import { Secret } from '../provider-kit/definition/secret.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import type { NotificationKeys } from '../provider-kit/notifications/notification-keys.js';
import { openNotification, type OpenedNotification } from '../provider-kit/notifications/open-notification.js';

/** A notification in the provider's own words: `notifications` in the `facts.json` of its folder. */
interface NotificationFact {
  readonly kind: string;
  readonly example: unknown;
  readonly proof: string;
  readonly header?: string;
  /** A signature computed elsewhere, with an invented secret. */
  readonly vector?: { readonly body: string; readonly secret: string; readonly ts?: string; readonly sig: string };
  readonly status: number | string;
  readonly withinSeconds?: number;
}

interface Fact extends NotificationFact {
  readonly slug: string;
}

const providers = dirname(fileURLToPath(import.meta.url));
const folders = readdirSync(providers, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const facts: readonly Fact[] = folders
  .map((folder) => join(providers, folder, 'facts.json'))
  .filter((path) => existsSync(path))
  .map((path) => JSON.parse(readFileSync(path, 'utf8')) as { id: string; notifications?: NotificationFact[] })
  .flatMap(({ id, notifications = [] }) => notifications.map((fact) => ({ slug: id, ...fact })));
const named = facts.map(
  (fact) => [`${fact.slug}: ${fact.kind} ${JSON.stringify(fact.example).slice(0, 60)}`, fact] as const,
);
const vectors = facts.flatMap(({ slug, vector }) => (vector === undefined ? [] : [[slug, vector] as const]));

/** No proof of these tests needs published keys. */
const noKeys = {
  get: () => Promise.resolve({}),
  getAgain: () => Promise.resolve(undefined),
} as unknown as NotificationKeys;

describe('the facts about notifications', () => {
  const definitions = new Map<string, ProviderDefinition>();

  beforeAll(async () => {
    for (const folder of folders) {
      for (const value of Object.values(
        (await import(`./${folder}/${folder}.definition.js`)) as Record<string, ProviderDefinition>,
      )) {
        if (typeof value === 'object' && 'slug' in value) {
          definitions.set(value.slug, value);
        }
      }
    }
  });

  function notificationsOf(slug: string): Notifications {
    const notifications = definitions.get(slug)?.notifications;
    if (notifications === undefined) {
      throw new Error(`"${slug}" declares no notifications.`);
    }
    return notifications;
  }

  it('are there for each provider that declares notifications', () => {
    const declared = [...definitions.values()].filter(({ notifications }) => notifications !== undefined);
    expect(declared.map(({ slug }) => slug).sort()).toEqual([...new Set(facts.map(({ slug }) => slug))].sort());
    expect(declared).toHaveLength(20);
  });

  it.each(named)('%s has the proof and the response that the definition declares', (_name, fact) => {
    const [channel] = notificationsOf(fact.slug).channels;
    expect(channel?.proof.kind).toBe(expectedProof(fact));
    expect(String(channel?.response.status)).toMatch(new RegExp(`^${expectedStatus(fact.status)}$`));
    expect(channel?.response.withinSeconds).toBe(fact.withinSeconds);
    const { proof } = channel ?? {};
    const headers = proof?.kind === 'hmac' ? [proof.header] : proof?.kind === 'ecdsa' ? proof.headers : undefined;
    expect(fact.header === undefined || headers === undefined || headers.includes(fact.header.toLowerCase())).toBe(
      true,
    );
  });

  it.each(named)('%s is read as that', (_name, fact) => {
    const [channel] = notificationsOf(fact.slug).channels;
    const body =
      typeof fact.example === 'string' ? Object.fromEntries(new URLSearchParams(fact.example)) : fact.example;
    const events = channel?.read(body) ?? [];
    // Withings calls a change of the profile an update of the user; it is no change of permissions.
    const kind = fact.slug === 'withings' && fact.kind === 'permissions_changed' ? 'data' : fact.kind;
    expect(events.map((event) => event.kind)).toContain(kind);
    for (const event of events) {
      expect(event.accountId).toMatch(/7001|70010002|70010003|10203040|ABC123|invented/);
      expect(event.kind !== 'data' || event.dataType !== undefined).toBe(true);
    }
  });

  it.each(vectors)(
    '%s: a signature computed elsewhere is right, and is wrong for another body or secret',
    async (slug, vector) => {
      await expect(open(slug, vector)).resolves.toMatchObject({ isRefused: false, isProven: true });
      const wrong: readonly Partial<typeof vector>[] = [
        { body: vector.body.replace(/7001|10203040|ABC123|invented/, '6666') },
        { secret: Buffer.from('another-secret-not-a-real-one').toString('base64') },
        { sig: '' },
        { sig: vector.sig.slice(0, -4) },
        ...(vector.ts === undefined ? [] : [{ ts: String(Number(vector.ts) + 1) }, { ts: '' }]),
      ];
      for (const change of wrong) {
        await expect(open(slug, { ...vector, ...change })).resolves.toEqual({ isRefused: true, why: 'forged' });
      }
    },
  );

  it.each(vectors.filter(([, { ts }]) => ts !== undefined))(
    '%s: a signature is stale when its timestamp is too far from now, on either side',
    async (slug, vector) => {
      const [channel] = notificationsOf(slug).channels;
      const toleranceMs = channel?.proof.kind === 'hmac' ? (channel.proof.timestamp?.toleranceSeconds ?? 0) * 1_000 : 0;
      expect(toleranceMs).toBeGreaterThan(0);
      await expect(open(slug, vector, toleranceMs)).resolves.toMatchObject({ isRefused: false });
      await expect(open(slug, vector, -toleranceMs)).resolves.toMatchObject({ isRefused: false });
      await expect(open(slug, vector, toleranceMs + 1)).resolves.toEqual({ isRefused: true, why: 'stale' });
      await expect(open(slug, vector, -toleranceMs - 1)).resolves.toEqual({ isRefused: true, why: 'stale' });
    },
  );

  it.each([...new Set(facts.map(({ slug }) => slug))])('%s: any body is read without an error', (slug) => {
    const bodies: unknown[] = [null, undefined, 0, '', 'x', true, [], {}, [null], [[]], { a: null }, { a: [null] }];
    for (const channel of notificationsOf(slug).channels) {
      for (const body of bodies) {
        expect(channel.read(body).every(({ accountId }) => accountId === undefined)).toBe(true);
      }
    }
  });

  /** Opens a notification at the instant of its timestamp, or so much later. */
  function open(slug: string, vector: NonNullable<Fact['vector']>, laterMs = 0): Promise<OpenedNotification> {
    const definition = definitions.get(slug);
    const [channel] = notificationsOf(slug).channels;
    if (definition === undefined || channel?.proof.kind !== 'hmac') {
      throw new Error(`"${slug}" has no HMAC.`);
    }
    const { header, timestamp } = channel.proof;
    const settings = readProviderSettings(definition, {});
    const secret = new Secret(vector.secret);
    const provider = {
      definition,
      settings: { ...settings, clientSecret: secret, notifications: { ...noNotificationSettings, secret } },
    } as HealthProvider;
    const sentAtMs = Number(facts.find((fact) => fact.slug === slug && fact.vector !== undefined)?.vector?.ts ?? 0);
    const received = {
      headers: { [header]: vector.sig, ...(timestamp && { [timestamp.header]: vector.ts }) },
      body: Buffer.from(vector.body),
      receivedAt: new Date(sentAtMs * (timestamp?.unit === 'seconds' ? 1_000 : 1) + laterMs),
    };
    return openNotification(provider, channel, received, noKeys);
  }
});

/** Facts call the stored access token of OAuth 1.0a a token. */
function expectedProof({ slug, proof }: Fact): string {
  return slug === 'garmin-oauth1' ? 'access-token' : proof;
}

function expectedStatus(status: number | string): string {
  return String(status).startsWith('2xx') ? '2\\d\\d' : String(status).startsWith('<') ? '200' : String(status);
}
