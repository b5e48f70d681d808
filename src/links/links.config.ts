import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../config/read-environment.js';

const count = z.coerce.number('must be a number.').int().min(1).max(1_000);

const schema = z.object({
  PUBLIC_URL: z.string().optional(),
  PORT: z.string().default('3000'),
  RETURN_URLS: z.string().default(''),
  LINK_CONFIRMATION: z.enum(['optional', 'required'], 'must be optional or required.').optional(),
  LINKS_PER_PROVIDER: count.default(5),
  LINKS_PER_USER: count.default(20),
  NODE_ENV: z.string().default('development'),
});

/** Reads the settings of links: their URL, their confirmation, their limits, and the allowed return URLs. */
export function readLinksConfig(environment: Environment): {
  /** The URL under which browsers reach this service, without a slash at its end. */
  publicUrl: string;
  /** Allowed return URLs as the WHATWG parser writes them. */
  returnUrls: readonly string[];
  /** Whether any http URL on this very machine is allowed too; for development. */
  allowLoopbackReturnUrls: boolean;
  /**
   * Whether the company must confirm every link (AR-04). The default is true in production; LINK_CONFIRMATION changes
   * it.
   */
  confirmationRequired: boolean;
  /** Limits for a user's open links, at one provider and in all, and for link sessions in all (AR-28). */
  mostLinks: { perProvider: number; perUser: number };
} {
  const values = readEnvironment(schema, environment);
  const production = values.NODE_ENV === 'production';
  const returnUrls = values.RETURN_URLS.split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '')
    .map((url) => {
      if (url.includes('*')) {
        throw new Error('RETURN_URLS has an entry with "*", which is not supported. List each URL in full.');
      }
      const parsed = URL.canParse(url) ? new URL(url) : undefined;
      const scheme =
        parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && !production) || (parsed && isAppUrl(parsed));
      if (parsed === undefined || scheme !== true || parsed.hash !== '' || parsed.username !== '') {
        throw new Error(
          'RETURN_URLS must be a comma-separated list of https URLs, or URLs of an app such as com.example.app:/linked, ' +
            'without user or fragment.',
        );
      }
      return parsed.href;
    });
  return {
    publicUrl: (values.PUBLIC_URL ?? `http://localhost:${values.PORT}`).replace(/\/+$/, ''),
    returnUrls,
    allowLoopbackReturnUrls: !production,
    confirmationRequired: (values.LINK_CONFIRMATION ?? (production ? 'required' : 'optional')) === 'required',
    mostLinks: { perProvider: values.LINKS_PER_PROVIDER, perUser: values.LINKS_PER_USER },
  };
}

/**
 * Tells whether a URL opens an app: its scheme is a domain name of the app's maker in reverse order (RFC 8252 section
 * 7.1). A scheme without a dot may be another app's, or one that runs code in a browser.
 */
function isAppUrl({ protocol, href }: URL): boolean {
  return /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(protocol) && href.startsWith(`${protocol}/`);
}

/** Returns the schemes of apps among the return URLs, each with its colon. */
export function appSchemes({ returnUrls }: Pick<LinksConfig, 'returnUrls'>): string[] {
  const protocols = returnUrls.map((url) => new URL(url).protocol);
  return [...new Set(protocols)].filter((protocol) => !/^https?:$/.test(protocol));
}

/** Returns why no link could be started with these settings; `undefined` if links can. */
export function findLinkObjection(
  config: Pick<ReturnType<typeof readLinksConfig>, 'returnUrls' | 'allowLoopbackReturnUrls' | 'confirmationRequired'>,
): string | undefined {
  return config.confirmationRequired && config.returnUrls.length === 0 && !config.allowLoopbackReturnUrls
    ? 'RETURN_URLS is empty, so no link can be started: every link must be confirmed at one of these URLs. Set it, or set ' +
        'LINK_CONFIRMATION=optional.'
    : undefined;
}

export const linksConfig = registerAs('links', () => readLinksConfig(process.env));
export type LinksConfig = ConfigType<typeof linksConfig>;
