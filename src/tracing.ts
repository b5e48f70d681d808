/**
 * Traces for OpenTelemetry. Import it before the service: `node --import=./dist/tracing.js dist/main.js`.
 * docs/operations.md says what spans contain. Nothing else imports these packages.
 */
import { register } from 'node:module';
import { context, propagation, trace, type TextMapPropagator } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { version } from './config/version.js';
import { safeSpan } from './ops/safe-span.js';
import { useTracing } from './ops/trace-context.js';

// Packages that are imported rather than required are instrumented by a hook of Node's loader.
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

const w3c = new W3CTraceContextPropagator();
/** Continues the traces of callers. Requests to providers carry none. */
const incomingOnly: TextMapPropagator = {
  inject: () => undefined,
  extract: (parent, carrier, getter) => w3c.extract(parent, carrier, getter),
  fields: () => [],
};

/** Removes secrets and personal data from spans before they reach the network. */
function safely(exporter: SpanExporter): SpanExporter {
  return {
    export: (spans, done) => exporter.export(spans.map(safeSpan), done),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}

const provider = new TracerProvider({
  resource: defaultResource().merge(resourceFromAttributes({ 'service.name': 'cufflink', 'service.version': version })),
  spanProcessors: [new BatchSpanProcessor({ exporter: safely(new OTLPTraceExporter()), scheduledDelayMillis: 1_000 })],
});
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(incomingOnly);
trace.setGlobalTracerProvider(provider);
registerInstrumentations({
  tracerProvider: provider,
  instrumentations: [
    new HttpInstrumentation({
      // Requests to providers go through undici.
      disableOutgoingRequestInstrumentation: true,
      ignoreIncomingRequestHook: ({ url = '' }) => /^\/(health\/|metrics)/.test(url),
    }),
    new UndiciInstrumentation({ requireParentforSpans: false }),
    new PgInstrumentation({ requireParentSpan: true, ignoreConnectSpans: true }),
  ],
});

useTracing({
  activeIds: () => {
    const active = trace.getActiveSpan()?.spanContext();
    return active === undefined ? undefined : { trace_id: active.traceId, span_id: active.spanId };
  },
  nameRequest: (method, route, requestId) => {
    const active = trace.getActiveSpan();
    active?.updateName(`${method} ${route}`);
    active?.setAttribute('http.route', route);
    active?.setAttribute('cufflink.request_id', requestId);
  },
  flush: () => provider.forceFlush(),
});
