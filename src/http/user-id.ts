import { Matches } from 'class-validator';

/** The company's opaque id of a user: 1 to 255 characters, none of them invisible. */
export const userIdPattern = /^[^\p{C}\p{Zl}\p{Zp}]{1,255}$/u;

/** Checks a property `user_id`. */
export function IsUserId(): PropertyDecorator {
  return Matches(userIdPattern, { message: 'user_id must be 1 to 255 printable characters' });
}
