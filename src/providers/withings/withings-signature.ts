import { createHmac } from 'node:crypto';

/**
 * Signs the parameters of a call as Withings wants it: HMAC-SHA256 over their values, sorted by name and joined by
 * commas.
 *
 * @param parameters - those that are signed; Withings leaves others of the same call out
 * @param clientSecret - the key
 * @returns lower-case hexadecimal
 * @see https://developer.withings.com/api-reference
 */
export function withingsSignature(parameters: Readonly<Record<string, string>>, clientSecret: string): string {
  const names = Object.keys(parameters).sort();
  const text = names.map((name) => parameters[name]).join(',');
  return createHmac('sha256', clientSecret).update(text).digest('hex');
}
