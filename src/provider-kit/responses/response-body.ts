import { isUtf8 } from 'node:buffer';
import type { ProviderResponse } from '../http/http-message.js';
import { formDecode } from '../http/percent-encoding.js';

/**
 * Parses a JSON object or list by its shape. The content type is ignored, because providers send many.
 *
 * Lines of text or markup may precede an object, as PHP writes its notices. Text after it, or an incomplete object,
 * makes the body unreadable.
 *
 * @returns the value, from outside and unchecked. Integers beyond 2^53 are text, so that no digit is lost. `undefined`
 *   when the body is neither object nor list. The parser's own error is dropped, because it quotes the text.
 */
export function parseJsonBody({ body: text }: Pick<ProviderResponse, 'body'>): object | undefined {
  const whole = parseObject(text);
  if (whole !== undefined) {
    return whole;
  }
  // Only the first object at the start of a line or after a tag: a later one may be part of an incomplete object.
  const notice = /^\s*[{[]/.test(text) ? null : /[\n>][ \t]*(?=\{)/.exec(text);
  return notice === null ? undefined : parseObject(text.slice(notice.index + notice[0].length));
}

/**
 * Reads the fields of a token endpoint's response by its shape: a JSON object, or a form with one of the wanted
 * fields.
 *
 * @param wanted - fields that make a form a response. Without them any text with a `=` would be one.
 * @returns the fields, from outside and unchecked; `undefined` when the body has neither shape
 */
export function parseFields(
  response: Pick<ProviderResponse, 'body'>,
  wanted: readonly string[],
): Readonly<Record<string, unknown>> | undefined {
  const json = parseJsonBody(response);
  if (json !== undefined) {
    return Array.isArray(json) ? undefined : (json as Record<string, unknown>);
  }
  const form = parseStrictForm(response.body);
  return form !== undefined && wanted.some((name) => form.has(name)) ? Object.fromEntries(form) : undefined;
}

/**
 * Returns the fields of a form, or `undefined` when the text is no form, repeats a field, or has escapes that are no
 * UTF-8. White space around it and one `&` at its end are ignored.
 */
export function parseStrictForm(text: string): Map<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const pair of text.trim().replace(/&$/, '').split('&')) {
    const separator = pair.indexOf('=');
    if (separator < 1 || !/^[\x21-\x7e]+$/.test(pair) || /%(?![0-9A-Fa-f]{2})/.test(pair)) {
      return undefined;
    }
    const name = formDecode(pair.slice(0, separator));
    const value = formDecode(pair.slice(separator + 1));
    if (!isUtf8(name) || !isUtf8(value) || fields.has(name.toString())) {
      return undefined;
    }
    fields.set(name.toString(), value.toString());
  }
  return fields;
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = /\d{16}/.test(text) ? parseExactly(text) : JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** How ECMAScript calls a reviver; the types of the compiler do not have the source text yet. */
type SourceReviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;

function parseExactly(text: string): unknown {
  const keepDigits: SourceReviver = (_key, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source)
      ? source
      : value;
  return JSON.parse(text, keepDigits as Parameters<typeof JSON.parse>[1]) as unknown;
}
