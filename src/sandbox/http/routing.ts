import { Refusal } from './fake-response.js';
import type { IncomingCall } from './incoming-call.js';
import type { Endpoint } from '../protocol.js';

/** An endpoint at a path, in which `{name}` matches one segment. */
export interface Route extends Endpoint {
  readonly method: string;
  readonly path: string;
  /** If several routes share method and path: whether a call is for this one. */
  readonly takes?: (call: IncomingCall) => boolean;
}

/**
 * Finds the first route that takes a call.
 *
 * @throws {@link Refusal} 405 when the path exists under other methods
 */
export function findRoute(routes: readonly Route[], call: IncomingCall): Route | undefined {
  const here = routes.filter(({ path }) => matchPath(path, call.path) !== undefined);
  const route = here.find(({ method, takes }) => method === call.method && takes?.(call) !== false);
  if (route === undefined && here.length > 0) {
    throw methodNotAllowed([...new Set(here.map(({ method }) => method))].join(', '));
  }
  return route;
}

/** Returns the value of each `{name}` of a path template, or `undefined` when the path is another. */
export function matchPath(template: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = template.split('/');
  const segments = path.split('/');
  if (wanted.length !== segments.length) {
    return undefined;
  }
  const found: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const segment = segments[index] ?? '';
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name !== undefined && segment !== '') {
      found[name] = segment;
    } else if (part !== segment) {
      return undefined;
    }
  }
  return found;
}

/** @throws {@link Refusal} 405 unless the request uses this method */
export function onlyMethod(call: IncomingCall, method: string): void {
  if (call.method !== method) {
    throw methodNotAllowed(method);
  }
}

/** Returns whether a path is another one or is below it. */
export function isBelow(path: string, parent: string): boolean {
  return path === parent || path.startsWith(`${parent}/`);
}

function methodNotAllowed(allowed: string): Refusal {
  return new Refusal(405, 'method_not_allowed', `only ${allowed} is served here`, { Allow: allowed });
}
