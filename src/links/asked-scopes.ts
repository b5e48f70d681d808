import { RequestInvalidError } from '../errors/request.errors.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';

/**
 * Greatest length of scopes that neither definition nor settings name, in bytes: they are stored with each link
 * (AR-28).
 */
const maxFurtherBytes = 512;

/**
 * Checks the scopes that a caller asks for. The catalogue does not know every scope of a provider. So any scope is
 * allowed, up to a total length.
 *
 * @param scopes - as asked for, each a scope-token (RFC 6749 section 3.3)
 * @param provider - whose default scopes, and those of the settings, do not count
 * @returns the scopes, each once
 * @throws {@link RequestInvalidError} when the other scopes are too long
 */
export function checkAskedScopes(
  scopes: readonly string[],
  { definition, settings }: Pick<HealthProvider, 'definition' | 'settings'>,
): readonly string[] {
  const asked = [...new Set(scopes)];
  const known = new Set([...definition.defaultScopes, ...settings.scopes]);
  const bytes = Buffer.byteLength(asked.filter((scope) => !known.has(scope)).join(' '));
  if (bytes > maxFurtherBytes) {
    throw new RequestInvalidError(
      `scopes is too long: beyond the default scopes of ${definition.displayName}, the limit is ${maxFurtherBytes} bytes, and these are ${bytes}. Ask for fewer scopes.`,
    );
  }
  return asked;
}
