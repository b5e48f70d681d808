import { z } from 'zod';
import { RequestInvalidError } from '../errors/request.errors.js';
import type { CallbackParameters } from '../provider-kit/handshake.js';

/** The longest value a callback may carry, in characters. Codes of the makers have a few hundred. */
const maxValueLength = 2_048;
const maxParameters = 30;
/** All parameters together, as sent, in characters: a callback may have to be kept sealed for a while. */
const maxLength = 16_384;

const callbackSchema = z.record(z.string(), z.string()).superRefine((parameters, context) => {
  const refuse = (message: string): void => context.addIssue({ code: 'custom', message });
  for (const [name, value] of Object.entries(parameters)) {
    if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name)) {
      refuse('A parameter name of the callback has a wrong form.');
    } else if (value.length > maxValueLength) {
      refuse(`The parameter "${name}" is too long.`);
    } else if (/\p{Cc}/u.test(value) && name !== 'error_description') {
      refuse(`The parameter "${name}" has control characters.`);
    }
  }
  if ('code' in parameters && 'error' in parameters) {
    refuse('A callback has either a code or an error, not both.');
  }
  if ('access_token' in parameters || 'id_token' in parameters) {
    refuse('A callback must not carry tokens; only the authorization code flow is supported.');
  }
});

/**
 * Reads the parameters of a callback strictly (AR-14): each name once, no nested names, valid UTF-8, no control characters,
 * and either a code or an error.
 *
 * @param encoded - the raw query string, or the raw form body; `application/x-www-form-urlencoded`
 * @throws {@link RequestInvalidError} naming what is wrong, never the value
 */
export function parseCallbackParameters(encoded: string): CallbackParameters {
  const parameters: Record<string, string> = Object.create(null) as Record<string, string>;
  const pairs = encoded.split('&').filter((pair) => pair !== '');
  if (encoded.length > maxLength) {
    throw new RequestInvalidError(`The parameters of a callback have at most ${maxLength} characters.`);
  }
  if (pairs.length > maxParameters) {
    throw new RequestInvalidError(`A callback has at most ${maxParameters} parameters.`);
  }
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const name = decode(at === -1 ? pair : pair.slice(0, at));
    const value = decode(at === -1 ? '' : pair.slice(at + 1));
    if (name in parameters) {
      throw new RequestInvalidError(`The parameter "${name.slice(0, 64)}" is repeated.`);
    }
    parameters[name] = value;
  }
  const result = callbackSchema.safeParse(parameters);
  if (!result.success) {
    throw new RequestInvalidError(result.error.issues[0]?.message ?? 'The callback is not valid.');
  }
  return parameters;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new RequestInvalidError('The parameters of the callback are not valid percent-encoded UTF-8.');
  }
}
