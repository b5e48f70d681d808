/** The ids that log lines and spans share. */
export interface TraceIds {
  readonly trace_id: string;
  readonly span_id: string;
}

/** Set by `tracing.ts` if the process was started with it. Nothing else knows OpenTelemetry. */
export interface Tracing {
  /** Returns the ids of the span that the running code belongs to. */
  readonly activeIds: () => TraceIds | undefined;
  /** Names the current request's span by method and route pattern, and adds the request's id. */
  readonly nameRequest: (method: string, route: string, requestId: string) => void;
  /** Sends the spans that are still in memory. */
  readonly flush: () => Promise<void>;
}

const off: Tracing = { activeIds: () => undefined, nameRequest: () => undefined, flush: () => Promise.resolve() };

let current = off;

/** Switches tracing on, before the first request. */
export function useTracing(tracing: Tracing): void {
  current = tracing;
}

/** Returns the tracing of this process; without OpenTelemetry one that does nothing. */
export function tracing(): Tracing {
  return current;
}
