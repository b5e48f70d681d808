import { Refusal } from './answer.js';
import type { IncomingCall } from './incoming-call.js';

/** @throws {@link Refusal} 405 unless the request uses this method */
export function onlyMethod(call: IncomingCall, method: string): void {
  if (call.method !== method) {
    throw new Refusal(405, 'method_not_allowed', `only ${method} is served here`, { Allow: method });
  }
}

/** Returns whether a path is another one or lies below it. */
export function isBelow(path: string, parent: string): boolean {
  return path === parent || path.startsWith(`${parent}/`);
}
