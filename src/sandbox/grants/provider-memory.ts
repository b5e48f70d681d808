import { z } from 'zod';
import type { BoundedMap } from './bounded-map.js';
import type { AccessToken, BookEntries, Grant, GrantBook, RefreshToken } from './grant-book.js';

/** Most entries of each kind that are kept, the newest: a file of about a megabyte at most. */
const mostEntries = 2_000;

/** JSON has no `Infinity`: a token that never expires has `null`. */
const expiry = z.number().nullable();

const schema = z.strictObject({
  version: z.literal(1),
  grants: z.array(
    z.strictObject({
      familyId: z.string(),
      accountId: z.string(),
      scopes: z.array(z.string()),
      redirectUri: z.string(),
      createdAtMs: z.number(),
      ended: z.boolean(),
      generation: z.number(),
      exchanged: z.boolean(),
    }),
  ),
  accessTokens: z.array(
    z.strictObject({
      value: z.string(),
      secret: z.string(),
      familyId: z.string(),
      generation: z.number(),
      expiresAtMs: expiry,
      used: z.boolean(),
    }),
  ),
  refreshTokens: z.array(z.strictObject({ value: z.string(), familyId: z.string(), expiresAtMs: expiry })),
  spentTokens: z.array(
    z.strictObject({
      value: z.string(),
      familyId: z.string(),
      expiresAtMs: expiry,
      spentAtMs: z.number(),
      accessToken: z.string(),
      refreshToken: z.string().nullable(),
      response: z.record(z.string(), z.json()),
    }),
  ),
  facts: z.array(z.string()),
});

type Memory = z.infer<typeof schema>;

/** Everything that a fake provider keeps about users. */
export interface RememberedState {
  readonly grants: GrantBook;
  /** Facts that the endpoints of this provider alone have remembered. */
  readonly facts: BoundedMap<true>;
}

/** Writes the state of a fake provider as JSON. Dead tokens are left out, unless a replay may still return them. */
export function writeMemory({ grants: book, facts }: RememberedState): string {
  const { grants, accessTokens, refreshTokens, spentTokens } = book.entries;
  const kept = grants.slice(-mostEntries);
  const live = new Set(kept.filter(({ ended }) => !ended));
  const spent = spentTokens.filter(({ grant }) => live.has(grant)).slice(-mostEntries);
  const successors = new Set(spent.map(({ successor }) => successor?.access));
  const isKept = (token: AccessToken): boolean =>
    live.has(token.grant) && (successors.has(token) || book.findAccessToken(token.value) !== undefined);
  const memory: Memory = {
    version: 1,
    grants: kept.map((grant) => ({ ...grant, scopes: [...grant.scopes] })),
    accessTokens: accessTokens
      .filter(isKept)
      .slice(-2 * mostEntries)
      .map(({ grant, ...token }) => ({ ...token, familyId: grant.familyId, expiresAtMs: finite(token.expiresAtMs) })),
    refreshTokens: refreshTokens
      .filter(({ grant }) => live.has(grant))
      .slice(-mostEntries)
      .map(({ value, grant, expiresAtMs }) => ({ value, familyId: grant.familyId, expiresAtMs: finite(expiresAtMs) })),
    spentTokens: spent.flatMap(({ value, grant, expiresAtMs, successor }) =>
      successor === undefined
        ? []
        : [
            {
              value,
              familyId: grant.familyId,
              expiresAtMs: finite(expiresAtMs),
              spentAtMs: successor.atMs,
              accessToken: successor.access.value,
              refreshToken: successor.refresh?.value ?? null,
              response: successor.response as Record<string, z.core.util.JSONType>,
            },
          ],
    ),
    facts: [...facts.keys()].slice(-mostEntries),
  };
  return JSON.stringify(memory);
}

/**
 * Restores the state that {@link writeMemory} wrote.
 *
 * @throws Error when the text is something else
 */
export function readMemory(text: string, state: RememberedState): void {
  const memory = schema.parse(JSON.parse(text));
  state.grants.restore(toEntries(memory));
  memory.facts.forEach((fact) => state.facts.set(fact, true));
}

function toEntries(memory: Memory): BookEntries {
  const grants = new Map<string, Grant>(memory.grants.map((grant) => [grant.familyId, grant]));
  const grantOf = (familyId: string): Grant => {
    const grant = grants.get(familyId);
    if (grant === undefined) {
      throw new Error('A token belongs to no grant.');
    }
    return grant;
  };
  const accessTokens = new Map<string, AccessToken>(
    memory.accessTokens.map(({ familyId, expiresAtMs, ...token }) => [
      token.value,
      { ...token, grant: grantOf(familyId), expiresAtMs: expiresAtMs ?? Infinity },
    ]),
  );
  const refreshTokens = new Map<string, RefreshToken>(
    [...memory.refreshTokens, ...memory.spentTokens].map(({ value, familyId, expiresAtMs }) => [
      value,
      { value, grant: grantOf(familyId), expiresAtMs: expiresAtMs ?? Infinity },
    ]),
  );
  const spentTokens = memory.spentTokens.flatMap(({ value, spentAtMs, accessToken, refreshToken, response }) => {
    const [token, access] = [refreshTokens.get(value), accessTokens.get(accessToken)];
    if (token === undefined || access === undefined) {
      return [];
    }
    const refresh = refreshTokens.get(refreshToken ?? '');
    return [Object.assign(token, { successor: { atMs: spentAtMs, access, refresh, response } })];
  });
  return {
    grants: [...grants.values()],
    accessTokens: [...accessTokens.values()],
    refreshTokens: memory.refreshTokens.flatMap(({ value }) => refreshTokens.get(value) ?? []),
    spentTokens,
  };
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null;
}
