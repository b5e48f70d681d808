const denial =
  /^(?:(?:access|user|permission|consent|authori[sz]ation|login)(?:denied|refused|rejected|declined|cancel)|denied|cancel)/;

/**
 * Tells whether an error code of a callback means that the user declined. Providers spell it in many ways:
 * `access_denied`, `Access_Denied`, `user_denied`, `user_cancelled_login`, `user_refused`, `permission_denied`.
 *
 * @param error - the provider's code: `error` (RFC 6749 section 4.1.2.1), or `oauth_problem` (OAuth Problem Reporting)
 */
export function isDenial(error: string): boolean {
  return denial.test(error.toLowerCase().replaceAll(/[^a-z]/g, ''));
}
