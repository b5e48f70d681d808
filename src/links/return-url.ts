import { ReturnUrlNotAllowedError } from '../errors/request.errors.js';
import type { LinksConfig } from './links.config.js';

/**
 * Checks a return URL against the registered ones: the same scheme, host, port, path and query after WHATWG parsing
 * (NET-05).
 *
 * @param text - as the caller sent it
 * @returns the URL as the parser writes it
 * @throws {@link ReturnUrlNotAllowedError} when it is not on the list
 */
export function checkReturnUrl(
  text: string,
  config: Pick<LinksConfig, 'returnUrls' | 'allowLoopbackReturnUrls'>,
): string {
  const href = findRegistered(text, config);
  if (href === undefined) {
    throw new ReturnUrlNotAllowedError(
      'return_url is not registered. Use a registered URL, or ask the operator to add this one to RETURN_URLS.',
    );
  }
  return href;
}

/** Tells whether a browser may still be sent to the URL of a link: a registered one, or our own page. */
export function isAllowedReturnUrl(text: string, config: LinksConfig): boolean {
  return isHostedPage(text, config) || findRegistered(text, config) !== undefined;
}

/**
 * Returns the path of the hosted page of one session.
 *
 * @param handle - of the session; no secret
 */
export function hostedPagePath(handle: string): string {
  return `/connect?session=${handle}`;
}

/** Returns the URL of that page. */
export function hostedPageUrl(handle: string, { publicUrl }: Pick<LinksConfig, 'publicUrl'>): string {
  return publicUrl + hostedPagePath(handle);
}

/** Tells whether a link returns to the hosted page. */
export function isHostedPage(returnUrl: string, config: Pick<LinksConfig, 'publicUrl'>): boolean {
  return returnUrl.startsWith(hostedPageUrl('', config));
}

function findRegistered(
  text: string,
  config: Pick<LinksConfig, 'returnUrls' | 'allowLoopbackReturnUrls'>,
): string | undefined {
  // The parser drops tabs and line ends and turns "\" into "/"; a registered URL has none of them.
  const url = !/[\p{Cc}\\\s]/u.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '' || url.hash !== '') {
    return undefined;
  }
  const loopback = url.protocol === 'http:' && (url.hostname === 'localhost' || url.hostname === '127.0.0.1');
  const isAllowed = config.returnUrls.includes(url.href) || (config.allowLoopbackReturnUrls && loopback);
  return isAllowed ? url.href : undefined;
}

/** Adds the outcome of a link to a return URL; replaces parameters of the same name. */
export function withOutcome(returnUrl: string, outcome: Readonly<Record<string, string>>): string {
  const url = new URL(returnUrl);
  for (const [name, value] of Object.entries(outcome)) {
    url.searchParams.set(name, value);
  }
  return url.href;
}
