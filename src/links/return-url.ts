import { ReturnUrlNotAllowedError } from '../errors/request.errors.js';
import type { LinksConfig } from './links.config.js';

/**
 * Checks a return URL against the registered ones: the same scheme, host, port, path and query after WHATWG parsing (NET-05).
 *
 * @param text - as the caller sent it
 * @returns the URL as the parser writes it
 * @throws {@link ReturnUrlNotAllowedError} when it is not on the list
 */
export function checkReturnUrl(
  text: string,
  config: Pick<LinksConfig, 'returnUrls' | 'allowLoopbackReturnUrls'>,
): string {
  // The parser drops tabs and line ends and turns "\" into "/"; a registered URL has none of them.
  const url = !/[\p{Cc}\\\s]/u.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '' || url.hash !== '') {
    throw notAllowed();
  }
  const loopback = url.protocol === 'http:' && (url.hostname === 'localhost' || url.hostname === '127.0.0.1');
  if (!config.returnUrls.includes(url.href) && !(config.allowLoopbackReturnUrls && loopback)) {
    throw notAllowed();
  }
  return url.href;
}

/** Adds the outcome of a link to a return URL; replaces parameters of the same name. */
export function withOutcome(returnUrl: string, outcome: Readonly<Record<string, string>>): string {
  const url = new URL(returnUrl);
  for (const [name, value] of Object.entries(outcome)) {
    url.searchParams.set(name, value);
  }
  return url.href;
}

function notAllowed(): ReturnUrlNotAllowedError {
  return new ReturnUrlNotAllowedError(
    'return_url is not one of the registered URLs. The operator lists them in RETURN_URLS.',
  );
}
