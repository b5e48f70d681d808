import { createHash } from 'node:crypto';
import { styleOf } from './page.js';

/** Permissions of one kind of page beyond the rules of every page. */
export interface PagePermissions {
  /** Whether providers may have plain http, as the vendor sandbox has. */
  readonly plainHttp?: boolean;
  /** Schemes of apps to which a form may lead back, each with its colon. */
  readonly appSchemes?: readonly string[];
  /** The page's own style, as given to `renderPage`. */
  readonly style?: string;
  /** Whether forms may lead to this service only. */
  readonly keepsForms?: boolean;
  /** More directives of the Content Security Policy, such as `img-src 'self'`. */
  readonly directives?: readonly string[];
}

/**
 * Returns the headers of every page: nothing is loaded, run, framed or kept.
 *
 * With the policy `no-referrer` a browser would send `Origin: null` with our own forms (Fetch standard, "append a
 * request Origin header"). With `strict-origin` it sends our origin, and the Referer has no path: a link token is in
 * the query of a page.
 *
 * `form-action` names schemes and not hosts because browsers apply it to every redirect that follows a form, and a
 * provider's sign-in may lead anywhere.
 */
export function pageHeaders(permissions: PagePermissions = {}): Readonly<Record<string, string>> {
  const { plainHttp = false, appSchemes = [], keepsForms = false, style, directives = [] } = permissions;
  const foreignTargets = ['https:', ...(plainHttp ? ['http:'] : []), ...appSchemes];
  const formTargets = [`'self'`, ...(keepsForms ? [] : foreignTargets)];
  const styleHash = createHash('sha256').update(styleOf(style)).digest('base64');
  const policy = [
    `default-src 'none'`,
    `style-src 'sha256-${styleHash}'`,
    `form-action ${formTargets.join(' ')}`,
    `base-uri 'none'`,
    `frame-ancestors 'none'`,
    ...directives,
  ].join('; ');
  return {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'strict-origin',
    'x-content-type-options': 'nosniff',
    'content-security-policy': policy,
  };
}
