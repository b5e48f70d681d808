import type { ReadableSpan } from '@opentelemetry/sdk-trace';

/**
 * The attributes that a span may have. It is a list of allowed ones, because new versions of instrumentations add
 * attributes: URLs with codes and ids, statements, headers (LOG-01, LOG-02).
 */
const allowed = new Set([
  'cufflink.request_id',
  'db.client.operation.name',
  'db.operation.name',
  'db.system',
  'db.system.name',
  'error.type',
  'http.method',
  'http.request.method',
  'http.response.status_code',
  'http.route',
  'http.status_code',
  'network.protocol.version',
  'server.address',
  'server.port',
  'url.scheme',
]);

/** Names of spans: a method, a route pattern, or the name of a prepared statement. */
const safeName = /^[A-Za-z][\w.:-]*( \/?[\w/:*.-]*)?$/;

/**
 * Returns a span without anything that may hold a secret or name a user. Only attributes and names on our list remain.
 * Its events, which have the texts and stacks of errors, and the text of its status are removed.
 */
export function safeSpan(span: ReadableSpan): ReadableSpan {
  const attributes = Object.fromEntries(Object.entries(span.attributes).filter(([name]) => allowed.has(name)));
  return {
    name: safeName.test(span.name) ? span.name : span.instrumentationScope.name,
    kind: span.kind,
    spanContext: () => span.spanContext(),
    ...(span.parentSpanContext === undefined ? {} : { parentSpanContext: span.parentSpanContext }),
    startTime: span.startTime,
    endTime: span.endTime,
    status: { code: span.status.code },
    attributes,
    links: [],
    events: [],
    duration: span.duration,
    ended: span.ended,
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}
