import type { IncomingHttpHeaders } from 'node:http';
import Negotiator from 'negotiator';
import { languages, type LanguageTag } from './languages/languages.js';

const tags = Object.keys(languages) as LanguageTag[];

/**
 * Tells whether a client wants a page rather than JSON (RFC 9110 section 12.5.1). Browsers name `text/html` first.
 *
 * @param isPageByDefault - the result for a client that wants neither more than the other, such as with `*\/*`
 */
export function prefersPage(headers: IncomingHttpHeaders, isPageByDefault: boolean): boolean {
  const json = ['application/json', 'application/problem+json'];
  const available = isPageByDefault ? ['text/html', ...json] : [...json, 'text/html'];
  return new Negotiator({ headers }).mediaType(available) === 'text/html';
}

/** Returns the language that a person prefers among ours; English for a person who prefers none of them. */
export function preferredLanguage(headers: IncomingHttpHeaders): LanguageTag {
  // Region and script are left out: a person who reads Swiss German reads our German.
  const preferred = new Negotiator({ headers }).languages();
  const known = preferred.map((tag) => tags.find((each) => each === tag.split('-', 1)[0]?.toLowerCase()));
  return known.find((tag) => tag !== undefined) ?? 'en';
}
