import { knownVariables, type Environment } from '../config/read-environment.js';
import { environmentPrefix } from '../provider-kit/definition/provider-settings.js';
import type { Finding } from './doctor.js';

/** Endings of variables after a provider's prefix; `.env.example` explains them. */
const providerVariables = [
  ...['CLIENT_ID', 'CLIENT_SECRET', 'CLIENT_SECRET_FILE', 'TEAM_ID', 'KEY_ID', 'SERVER', 'SERVERS', 'PKCE', 'SCOPES'],
  ...['ISSUER', 'REDIRECT_URL', 'AUTH_URL', 'TOKEN_URL', 'REFRESH_URL', 'API_BASE_URL', 'ACCOUNT_URL', 'REVOKE_URL'],
  ...['PAR_URL', 'JWKS_URL', 'REQUEST_TOKEN_URL', 'ACCESS_TOKEN_URL', 'EXCHANGE_URL', 'ALLOWED_HOSTS'],
  ...['HOOK_SECRET', 'HOOK_VERIFY_TOKEN', 'HOOK_PATH_SECRET', 'HOOK_SUBSCRIPTIONS_URL'],
];

/** Least length of a checked name: shorter ones resemble too many others. */
const shortestName = 5;
/** A letter left out, added or replaced, twice. Two letters in the wrong order count as two. */
const mostEdits = 2;

/**
 * Finds variables that are spelled almost like one that Cufflink reads. It ignores such a variable, so a provider stays
 * off, for example.
 *
 * @param slugs - of all providers
 * @param known - names of the other variables; those that the settings have read by now when absent
 */
export function findMisspelled(
  environment: Environment,
  slugs: readonly string[],
  known: ReadonlySet<string> = knownVariables,
): Finding[] {
  const names = new Set([
    ...known,
    ...slugs.flatMap((slug) => providerVariables.map((name) => `${environmentPrefix(slug)}_${name}`)),
  ]);
  return Object.keys(environment)
    .filter((name) => name.length >= shortestName && !names.has(name))
    .flatMap((name) => {
      const [meant] = [...names]
        .map((each) => ({ each, edits: editsBetween(name, each) }))
        .filter(({ each, edits }) => edits <= Math.min(mostEdits, each.length / 4))
        .sort((left, right) => left.edits - right.edits)
        .map(({ each }) => each);
      const text = `is not a variable of Cufflink and is ignored. Did you mean ${meant}?`;
      return meant === undefined ? [] : [{ verdict: 'note' as const, subject: name, text }];
    });
}

/** The Levenshtein distance; `Infinity` where the lengths alone differ by more than {@link mostEdits}. */
function editsBetween(left: string, right: string): number {
  if (Math.abs(left.length - right.length) > mostEdits) {
    return Infinity;
  }
  let above = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (const [row, letter] of [...left].entries()) {
    const current = [row + 1];
    for (const [column, other] of [...right].entries()) {
      const replaced = (above[column] ?? 0) + (letter === other ? 0 : 1);
      current.push(Math.min(replaced, (above[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    above = current;
  }
  return above[right.length] ?? Infinity;
}
