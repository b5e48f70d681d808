/**
 * Percent-encodes everything but the unreserved characters `A-Z a-z 0-9 - . _ ~`, with upper-case hexadecimal digits.
 *
 * `encodeURIComponent` differs: it leaves `! * ' ( )` as they are, and throws on unpaired surrogates. Here those become
 * U+FFFD.
 *
 * @param value - text, encoded as UTF-8; or bytes, encoded as they are
 * @returns ASCII text
 * @see RFC 3986 section 2.3, https://www.rfc-editor.org/rfc/rfc3986#section-2.3
 * @see RFC 5849 section 3.6, https://www.rfc-editor.org/rfc/rfc5849#section-3.6
 */
export function percentEncode(value: string | Uint8Array): string {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(value);
  return bytes
    .toString('latin1')
    .replace(/[^A-Za-z0-9\-._~]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

/**
 * Decodes a name or value of a query or of a form body to bytes. `+` is a space, `%XX` is a byte, and anything else
 * stays.
 *
 * Returns bytes and not text, because `%FF` is no UTF-8 and must still survive decoding and encoding again. A `%` that
 * two hexadecimal digits do not follow stays too.
 *
 * @param encoded - one name or value, without `&` and `=`
 */
export function formDecode(encoded: string): Buffer {
  const bytes = Buffer.from(encoded.replaceAll('+', ' '), 'utf8')
    .toString('latin1')
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1');
}

/**
 * Encodes one name or value as `application/x-www-form-urlencoded`: like {@link percentEncode}, with `+` for a space.
 *
 * `~` stays, although browsers encode it, so that providers that forget to decode understand more secrets.
 *
 * @param value - text, encoded as UTF-8
 * @see RFC 6749 appendix B, https://www.rfc-editor.org/rfc/rfc6749#appendix-B
 */
export function formEncode(value: string): string {
  return percentEncode(value).replaceAll('%20', '+');
}

/**
 * Builds an `application/x-www-form-urlencoded` body.
 *
 * @param fields - names and values in the order to send them; a field that is `undefined` is left out
 */
export function formBody(fields: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(fields)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${formEncode(name)}=${formEncode(value)}`]))
    .join('&');
}
