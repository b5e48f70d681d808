/** Most levels of a body, and most keys and elements of all of them. */
export interface JsonLimits {
  readonly depth: number;
  readonly members: number;
}

/** Bodies of this API are flat: an object with fields, and lists of texts in them. */
const flat: JsonLimits = { depth: 3, members: 100 };

/**
 * Returns why parsed JSON is no body of this API, before any other code reads it (AR-14).
 *
 * Stops at the first level that is too deep and at the first excess member, so that its own work is bounded.
 *
 * @param value - as `JSON.parse` returns it
 * @param limits - those of a flat body if absent
 * @returns a sentence for the caller; `undefined` if depth and number of members are within the limits
 */
export function findJsonObjection(value: unknown, limits: JsonLimits = flat): string | undefined {
  const { depth: maxDepth, members: maxMembers } = limits;
  let members = 0;
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    const containers = level.filter((each): each is object => typeof each === 'object' && each !== null);
    if (containers.length > 0 && depth === maxDepth) {
      return `The body is nested too deeply. The limit is ${maxDepth} levels of objects and lists.`;
    }
    level = [];
    for (const container of containers) {
      const inside: unknown[] = Object.values(container);
      members += inside.length;
      if (members > maxMembers) {
        return `The body has too many fields and list elements. The limit is ${maxMembers} in total.`;
      }
      level.push(...inside);
    }
  }
  return undefined;
}
