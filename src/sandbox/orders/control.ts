import { z } from 'zod';
import { Refusal, type FakeResponse } from '../http/fake-response.js';
import { describeFake } from '../fake-description.js';
import type { FakeProvider } from '../fake-provider.js';
import type { IncomingCall } from '../http/incoming-call.js';
import { misbehaviourSchema } from '../misbehaviour.js';
import { notificationKinds } from './notifier.js';
import { onlyMethod } from '../http/routing.js';

/** First segment of the control paths: no slug starts with `_`. */
export const controlSegment = '_control';

const orderSchema = z.strictObject({
  misbehave: misbehaviourSchema.optional(),
  /** How often; JSON has no `Infinity`. */
  times: z.union([z.int().min(1), z.literal('forever')]).optional(),
  behave: z.literal(true).optional(),
  expireAccessTokens: z.literal(true).optional(),
  /** An account at the provider, or `all`. */
  revokeGrant: z.string().optional(),
  accessTokenLifetimeSeconds: z.int().min(1).optional(),
  clockOffsetSeconds: z.int().optional(),
  /** `null` lifts the limit. */
  restrictScopes: z.array(z.string()).nullable().optional(),
  /** Sends notifications to a hook of this machine. */
  notify: z
    .strictObject({
      url: z.url({ protocol: /^http$/, hostname: /^(localhost|127\.0\.0\.1)$/ }),
      kind: z.enum(notificationKinds),
      accounts: z.array(z.string()).min(1).max(1_000),
      lateByMs: z.int().min(0).optional(),
      batch: z.boolean().optional(),
      forged: z.boolean().optional(),
      otherApp: z.boolean().optional(),
      times: z.int().min(1).max(100).optional(),
    })
    .optional(),
});

/**
 * Serves `GET /_control`, `POST /_control/<slug>` and `GET /_control/<slug>/history`, for other processes.
 *
 * An order takes `behave` first, so that one call can replace an earlier misbehaviour.
 *
 * @throws {@link Refusal} 400 on a malformed order, 404 on another path, 415 when the body is not JSON
 */
export async function control(call: IncomingCall, fakes: ReadonlyMap<string, FakeProvider>): Promise<FakeResponse> {
  if (call.path === '') {
    onlyMethod(call, 'GET');
    return { status: 200, content: { json: { providers: await Promise.all([...fakes.values()].map(describeFake)) } } };
  }
  const [, slug = '', action] = call.path.split('/');
  const fake = fakes.get(slug);
  if (fake === undefined || (action !== undefined && action !== 'history')) {
    const paths = 'GET /_control, POST /_control/<slug> and GET /_control/<slug>/history';
    throw new Refusal(404, 'not_found', `there is ${paths}`);
  }
  if (action === 'history') {
    onlyMethod(call, 'GET');
    return { status: 200, content: { json: { history: fake.history } } };
  }
  onlyMethod(call, 'POST');
  // A web page cannot send this type to another origin without a preflight request.
  if (!/^application\/json\s*(;|$)/i.test(call.headers['content-type'] ?? '')) {
    throw new Refusal(415, 'invalid_request', 'Content-Type must be application/json');
  }
  const order = parseOrder(call.body);
  obey(order, fake);
  await fake.save();
  const { notify } = order;
  if (notify === undefined) {
    return { status: 200, content: { json: { ok: true } } };
  }
  const { url, kind, accounts: accountIds, batch, forged, otherApp, ...times } = notify;
  const whose = { isForged: forged === true, isOfOtherApp: otherApp === true };
  const options = { kind, accountIds, isBatch: batch === true, ...whose, ...definedOf(times) };
  return { status: 200, content: { json: { ok: true, statuses: await fake.notifier.send(url, options) } } };
}

function definedOf<Value extends object>(fields: Value): { [Name in keyof Value]?: Exclude<Value[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Value]?: Exclude<Value[Name], undefined>;
  };
}

function obey(order: z.infer<typeof orderSchema>, fake: FakeProvider): void {
  try {
    if (order.behave === true) {
      fake.behave();
    }
    if (order.accessTokenLifetimeSeconds !== undefined) {
      fake.accessTokenLifetimeSeconds = order.accessTokenLifetimeSeconds;
    }
    if (order.misbehave !== undefined) {
      fake.misbehave(order.misbehave, order.times === 'forever' ? Infinity : order.times);
    }
  } catch (error) {
    throw new Refusal(400, 'invalid_request', error instanceof Error ? error.message : 'not possible');
  }
  if (order.clockOffsetSeconds !== undefined) {
    fake.clockOffsetSeconds = order.clockOffsetSeconds;
  }
  if (order.expireAccessTokens === true) {
    fake.expireAccessTokens();
  }
  if (order.revokeGrant !== undefined) {
    fake.revokeGrant(order.revokeGrant);
  }
  if (order.restrictScopes !== undefined) {
    fake.restrictScopes(order.restrictScopes ?? undefined);
  }
}

function parseOrder(body: string): z.infer<typeof orderSchema> {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw new Refusal(400, 'invalid_request', 'the body is not JSON');
  }
  const order = orderSchema.safeParse(json);
  if (!order.success) {
    throw new Refusal(400, 'invalid_request', z.prettifyError(order.error));
  }
  return order.data;
}
