import type { TestApplication } from './application.js';

/** Providers of both protocols that the tests of requests and callbacks go through. */
export const slugs = ['whoop', 'garmin', 'fitbit', 'oura', 'garmin-oauth1', 'fitbit-oauth1'];

/** A provider that misbehaves so responds when it is told to behave: what happens meanwhile may take any time. */
export const held = { type: 'slow', ms: 600_000 } as const;

/** Lets them behave again. */
export function endMisbehavior({ sandbox }: TestApplication): void {
  for (const slug of slugs) {
    sandbox.provider(slug).behave();
  }
}
