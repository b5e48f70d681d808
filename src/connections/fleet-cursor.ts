import { z } from 'zod';
import { RequestInvalidError } from '../errors/request.errors.js';
import type { FleetPlace } from '../fleet/fleet-store.js';

// 255 characters of a user id may take two units each.
const text = z.string().min(1).max(510);
const schema = z.tuple([text, text, z.union([z.literal(0), z.literal(1)])]);

/** Returns the wire form of the next page's place. */
export function toCursor({ userId, provider, isBusy }: FleetPlace): string {
  return Buffer.from(JSON.stringify([userId, provider, isBusy ? 1 : 0])).toString('base64url');
}

/** @throws {@link RequestInvalidError} when it is not the cursor of a page */
export function readCursor(cursor: string): FleetPlace {
  const parsed = schema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()));
  // PostgreSQL refuses a text with this character.
  if (!parsed.success || parsed.data.slice(0, 2).some((each) => String(each).includes('\0'))) {
    throw new RequestInvalidError('cursor must be the next_cursor of a page.');
  }
  const [userId, provider, isBusy] = parsed.data;
  return { userId, provider, isBusy: isBusy === 1 };
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
