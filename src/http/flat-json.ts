/** Bodies of this API are flat: an object with fields, and lists of texts in them. */
const maxDepth = 3;
/** Keys and elements of a whole body. */
const maxMembers = 100;

/**
 * Says why parsed JSON is no body of this API, before anything walks through it (AR-14).
 *
 * Stops at the first level that is too deep and at the first member too many, so that its own work has a bound.
 *
 * @param value - as `JSON.parse` returns it
 * @returns a sentence for the caller; `undefined` where depth and number of members are within the limits
 */
export function findJsonObjection(value: unknown): string | undefined {
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
