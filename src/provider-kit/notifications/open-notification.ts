import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import type {
  NamedRecipient,
  NotificationChannel,
  NotificationProof,
  NotificationSecret,
  NotifiedEvent,
  RepeatedToken,
} from '../definition/notifications.js';
import type { HealthProvider } from '../health-provider.js';
import { fieldAt } from '../responses/json-field.js';
import { textAt } from './event-fields.js';
import type { NotificationKeys } from './notification-keys.js';
import { isTinkSignature, readTinkKeyset, tinkKeyId } from './tink-keyset.js';

/** The parts of a provider that verify a notification. */
type OpenableProvider = Pick<HealthProvider, 'definition' | 'settings'>;

/** A request of a provider, as received. */
export interface ReceivedNotification {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The raw bytes, because a signature covers these. */
  readonly body: Buffer;
  readonly receivedAt: Date;
}

/**
 * Why a notification is refused:
 * - `malformed`: the body cannot be parsed.
 * - `forged`: its proof is missing or wrong.
 * - `stale`: its timestamp is too far from now.
 * - `no_secret`: the secret that proves it is not set here.
 * - `misrouted`: it is for another client, or from another subscription.
 */
export type NotificationRefusal = 'malformed' | 'forged' | 'stale' | 'no_secret' | 'misrouted';

/** A notification whose proof was checked. */
export type OpenedNotification =
  | { readonly isRefused: false; readonly isProven: boolean; readonly events: readonly NotifiedEvent[] }
  | { readonly isRefused: true; readonly why: NotificationRefusal };

/** Thrown inside this file only. */
class Refused extends Error {
  constructor(readonly why: NotificationRefusal) {
    super(why);
  }
}

/**
 * Verifies the proof of a notification over its raw body, and reads its events.
 *
 * `isProven` is false if the provider sends no proof. It is also false for the proof `access-token`, which the caller
 * compares with the stored token of the connection.
 *
 * @param provider - the provider that the URL names
 * @param channel - one of its channels
 * @param received - the request
 * @param keys - for proofs with published keys
 * @throws a provider error when the keys cannot be read; the provider sends the notification again
 */
export async function openNotification(
  provider: OpenableProvider,
  channel: NotificationChannel,
  received: ReceivedNotification,
  keys: NotificationKeys,
): Promise<OpenedNotification> {
  try {
    const { isProven, body } = await prove(provider, channel, received, keys);
    return { isRefused: false, isProven, events: channel.read(body) };
  } catch (error) {
    if (error instanceof Refused) {
      return { isRefused: true, why: error.why };
    }
    throw error;
  }
}

/**
 * Parses the body of a notification.
 *
 * @returns parsed JSON or the fields of a form; `undefined` when it is malformed
 */
export function parseNotification(contentType: NotificationChannel['contentType'], body: Buffer): unknown {
  if (contentType === 'application/x-www-form-urlencoded') {
    return Object.fromEntries(new URLSearchParams(body.toString()));
  }
  if (contentType === 'application/secevent+jwt') {
    return body.toString().trim();
  }
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch {
    return undefined;
  }
}

/** Compares two texts of any lengths in constant time. */
export function isSameText(left: string, right: string): boolean {
  return timingSafeEqual(hash('sha256', left, 'buffer'), hash('sha256', right, 'buffer'));
}

interface Proven {
  readonly isProven: boolean;
  readonly body: unknown;
}

async function prove(
  provider: OpenableProvider,
  channel: NotificationChannel,
  received: ReceivedNotification,
  keys: NotificationKeys,
): Promise<Proven> {
  const { proof } = channel;
  const index = provider.definition.notifications?.channels.indexOf(channel) ?? -1;
  const source = { keys, url: provider.settings.notifications.keyUrls[index] ?? '' };
  if (proof.kind === 'hmac') {
    // Verified before parsing, unless the signature covers fields: a forged body is not even parsed.
    const early = typeof proof.signed === 'string' ? undefined : parse(channel, received);
    checkHmac(provider, proof, received, early);
    return { isProven: true, body: early ?? parse(channel, received) };
  }
  if (proof.kind === 'ecdsa') {
    await checkEcdsa(provider, proof, received, source);
    return { isProven: true, body: parse(channel, received) };
  }
  const body = parse(channel, received);
  switch (proof.kind) {
    case 'jws':
      return {
        isProven: true,
        body: await verifyJws(provider, proof, { body, receivedAt: received.receivedAt }, source),
      };
    case 'token':
      refuseUnless(proof.tokens.every((token) => repeats(provider, token, received, body)));
      return { isProven: true, body };
    case 'access-token':
      return { isProven: false, body };
    case 'none':
      if (proof.names !== undefined && !isForUs(provider, proof.names, received, body)) {
        throw new Refused('misrouted');
      }
      return { isProven: false, body };
  }
}

function parse(channel: NotificationChannel, { body }: ReceivedNotification): unknown {
  const parsed = parseNotification(channel.contentType, body);
  if (parsed === undefined) {
    throw new Refused('malformed');
  }
  return parsed;
}

function refuseUnless(isRight: boolean): void {
  if (!isRight) {
    throw new Refused('forged');
  }
}

type Proof<Kind extends NotificationProof['kind']> = Extract<NotificationProof, { readonly kind: Kind }>;

function checkHmac(
  provider: OpenableProvider,
  proof: Proof<'hmac'>,
  { headers, body, receivedAt }: ReceivedNotification,
  parsed: unknown,
): void {
  const timestamp = proof.timestamp === undefined ? '' : (headers[proof.timestamp.header] ?? '');
  const signed =
    typeof proof.signed === 'object'
      ? [Buffer.from(proof.signed.fields.map((field) => textAt(parsed, field) ?? '').join(proof.signed.separator))]
      : proof.signed === 'body'
        ? [body]
        : [Buffer.from(timestamp), body];
  const secret = `${secretOf(provider, proof.secret)}${proof.secretSuffix ?? ''}`;
  const mac = createHmac(proof.algorithm, proof.secretIsBase64 === true ? Buffer.from(secret, 'base64') : secret);
  const expected = signed.reduce((hmac, part) => hmac.update(part), mac).digest();
  const text = headers[proof.header] ?? '';
  const presented = Buffer.from(text, encodingOf(proof, text));
  refuseUnless(presented.length === expected.length && timingSafeEqual(presented, expected));
  if (proof.timestamp !== undefined) {
    const { unit, toleranceSeconds } = proof.timestamp;
    const atMs = /^\d{1,15}$/.test(timestamp) ? Number(timestamp) * (unit === 'seconds' ? 1_000 : 1) : NaN;
    if (!(Math.abs(receivedAt.getTime() - atMs) <= toleranceSeconds * 1_000)) {
      throw new Refused('stale');
    }
  }
}

function encodingOf({ encoding }: Proof<'hmac'>, text: string): 'hex' | 'base64' {
  if (encoding !== 'hex-or-base64') {
    return encoding;
  }
  return /^([0-9a-f]{2}){20,}$/i.test(text) ? 'hex' : 'base64';
}

/** The URL of a channel's keys, and the service that fetches them. */
interface KeySource {
  readonly keys: NotificationKeys;
  readonly url: string;
}

async function checkEcdsa(
  { definition }: OpenableProvider,
  proof: Proof<'ecdsa'>,
  { headers, body }: ReceivedNotification,
  { keys, url }: KeySource,
): Promise<void> {
  const header = proof.headers.map((name) => headers[name]).find((value) => value !== undefined);
  const signature = Buffer.from(header ?? '', 'base64');
  const keyId = tinkKeyId(signature);
  if (keyId === undefined) {
    throw new Refused('forged');
  }
  const key =
    readTinkKeyset(await keys.get(definition, url)).get(keyId) ??
    readTinkKeyset(await keys.getAgain(definition, url)).get(keyId);
  refuseUnless(key !== undefined && isTinkSignature(key, body, signature));
}

async function verifyJws(
  { definition, settings }: OpenableProvider,
  proof: Proof<'jws'>,
  { body, receivedAt }: { readonly body: unknown; readonly receivedAt: Date },
  { keys, url }: KeySource,
): Promise<JWTPayload> {
  const compact = proof.in === 'body' ? body : fieldAt(body, proof.in.field);
  if (typeof compact !== 'string') {
    throw new Refused('forged');
  }
  const options = {
    algorithms: [...proof.algorithms],
    issuer: [...proof.issuers],
    audience: settings.clientId,
    currentDate: receivedAt,
  };
  const verifyWith = async (document: unknown): Promise<JWTPayload> => {
    const { payload } = await jwtVerify(compact, createLocalJWKSet(document as JSONWebKeySet), options);
    return payload;
  };
  const document = await keys.get(definition, url);
  try {
    try {
      return await verifyWith(document);
    } catch (error) {
      const newer = error instanceof errors.JWKSNoMatchingKey ? await keys.getAgain(definition, url) : undefined;
      if (newer === undefined) {
        throw error;
      }
      return await verifyWith(newer);
    }
  } catch (error) {
    if (error instanceof errors.JOSEError) {
      throw new Refused('forged');
    }
    throw error;
  }
}

function isForUs(
  { settings }: OpenableProvider,
  named: NamedRecipient,
  { headers }: ReceivedNotification,
  body: unknown,
): boolean {
  switch (named.equals) {
    case 'client-id':
      return isSameText(headers[named.header] ?? settings.clientId, settings.clientId);
    case 'subscription-id': {
      const { subscriptionId } = settings.notifications;
      return subscriptionId === undefined || isSameText(textAt(body, named.field) ?? '', subscriptionId);
    }
  }
}

function repeats(
  provider: OpenableProvider,
  token: RepeatedToken,
  { headers }: ReceivedNotification,
  body: unknown,
): boolean {
  const presented = 'header' in token ? headers[token.header] : fieldAt(body, token.field);
  return isSameText(typeof presented === 'string' ? presented : '', secretOf(provider, token.equals));
}

function secretOf({ settings }: OpenableProvider, secret: NotificationSecret): string {
  switch (secret) {
    case 'client-id':
      return settings.clientId;
    case 'client-secret':
      return settings.clientSecret.reveal();
    case 'hook-secret':
      if (settings.notifications.secret === undefined) {
        throw new Refused('no_secret');
      }
      return settings.notifications.secret.reveal();
  }
}
