import { RequestInvalidError } from '../../errors/request.errors.js';
import type { CallbackParameters } from '../../provider-kit/handshake.js';

/** A callback with one of these is refused: only the authorization code flow is supported (AR-12). */
const forbidden = new Set(['access_token', 'id_token']);

/** The result of reading a callback. */
export interface CallbackReading {
  /**
   * The used parameters that are valid, none of them empty. Of a refused callback only the state counts: it finds the
   * link.
   */
  readonly parameters: CallbackParameters;
  /** Why the callback is refused; `undefined` if it is accepted. Names the parameter, never its value. */
  readonly refusal: RequestInvalidError | undefined;
}

/**
 * Parameters that have a meaning even when empty. A provider of OAuth 1.0a may say "denied" by the name alone. An empty
 * scope does not mean that everything was granted (TE-04).
 */
const saysSomethingEmpty: ReadonlySet<string> = new Set(['denied', 'scope']);

/**
 * Reads the parameters of a callback that are used, and drops all others unread, in every form (AR-14).
 *
 * An empty value counts as absent. A used parameter is refused when it is repeated, is an array or object, or has
 * control characters or invalid UTF-8. Its length is not limited here: the HTTP server limits URLs and bodies, and
 * thereby the size of a callback that is kept sealed.
 *
 * @param encoded - the raw query string, or the raw form body; `application/x-www-form-urlencoded`
 * @param names - of the parameters that are used
 */
export function readCallback(encoded: string, names: readonly string[]): CallbackReading {
  const used = new Set(names);
  const values = new Map<string, string>();
  let refusal: RequestInvalidError | undefined;
  for (const pair of encoded.split('&')) {
    const at = pair.indexOf('=');
    const name = decode(at === -1 ? pair : pair.slice(0, at)) ?? '';
    const value = at === -1 ? '' : pair.slice(at + 1);
    const parameter = name.split('[', 1)[0] ?? '';
    if (value === '' && !saysSomethingEmpty.has(name)) {
      continue;
    }
    if (forbidden.has(parameter)) {
      refusal ??= new RequestInvalidError(
        'A callback must not carry tokens. Only the authorization code flow is supported.',
      );
    } else if (used.has(parameter)) {
      const decoded = decode(value);
      const isSound = parameter === name && decoded !== undefined && !/[\p{Cc}\uFFFD]/u.test(decoded);
      if (isSound && !values.has(name)) {
        values.set(name, decoded);
      } else {
        refusal ??= new RequestInvalidError(
          `The parameter "${parameter}" of the callback is malformed. It may appear once, as valid UTF-8 without control characters.`,
        );
      }
    }
  }
  return { parameters: Object.fromEntries(values), refusal };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
