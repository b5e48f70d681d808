import type { TestApplication } from './application.js';

/** Providers of both protocols that the tests of requests and callbacks go through. */
export const slugs = ['whoop', 'garmin', 'fitbit', 'oura', 'garmin-oauth1', 'fitbit-oauth1'];

/** A provider that misbehaves like this responds as soon as it is told to behave. */
export const held = { type: 'slow', ms: 600_000 } as const;

/** Lets them behave again. */
export function endMisbehavior({ sandbox }: TestApplication): void {
  for (const slug of slugs) {
    sandbox.provider(slug).behave();
  }
}

/** How often a provider was asked for the first tokens of a link. */
export function redemptions({ sandbox }: Pick<TestApplication, 'sandbox'>, slug: string): number {
  return sandbox.provider(slug).history.filter(({ kind }) => ['token', 'access_token'].includes(kind)).length;
}
