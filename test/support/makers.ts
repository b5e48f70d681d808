import type { TestApplication } from './application.js';

/** Makers of both protocols that the tests of requests and callbacks go through. */
export const slugs = ['whoop', 'garmin', 'fitbit', 'oura', 'garmin-oauth1', 'fitbit-oauth1'];

/** Lets them behave again. */
export function mendMakers({ sandbox }: TestApplication): void {
  for (const slug of slugs) {
    sandbox.maker(slug).behave();
  }
}
