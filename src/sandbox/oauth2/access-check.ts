import { Refusal } from '../http/fake-response.js';
import { Parameters } from '../http/form.js';
import type { AccessToken, GrantBook } from '../grants/grant-book.js';
import type { IncomingCall } from '../http/incoming-call.js';
import type { CallNote } from '../protocol.js';

/** Finds the access token of a call. */
export class AccessCheck {
  constructor(private readonly grants: GrantBook) {}

  /**
   * Takes the token from the `Authorization` header.
   *
   * @throws {@link Refusal} 401 when there is no live one
   * @see RFC 6750 section 2.1, https://www.rfc-editor.org/rfc/rfc6750#section-2.1
   */
  byHeader(call: IncomingCall, note: CallNote): AccessToken {
    const value = bearerValue(call);
    if (value === undefined) {
      throw new Refusal(401, 'invalid_token', 'Authorization: Bearer is needed', {
        'WWW-Authenticate': 'Bearer realm="sandbox"',
      });
    }
    return this.#use(value, note);
  }

  /**
   * @throws {@link Refusal} 400 when a parameter is repeated or this one is missing, 401 when the token is dead
   */
  byQuery(call: IncomingCall, parameter: string, note: CallNote): AccessToken {
    const query = new Parameters(call.query);
    query.refuseRepeated();
    return this.#use(query.get(parameter), note);
  }

  /** Returns the live token in the `Authorization` header, if there is one. */
  find(call: IncomingCall): AccessToken | undefined {
    return this.grants.findAccessToken(bearerValue(call) ?? '');
  }

  #use(value: string, note: CallNote): AccessToken {
    const token = this.grants.findAccessToken(value);
    if (token === undefined) {
      const challenge = 'Bearer realm="sandbox", error="invalid_token"';
      throw new Refusal(401, 'invalid_token', 'the access token is unknown, expired or revoked', {
        'WWW-Authenticate': challenge,
      });
    }
    token.used = true;
    note.familyId = token.grant.familyId;
    return token;
  }
}

function bearerValue(call: IncomingCall): string | undefined {
  return /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(call.headers.authorization ?? '')?.[1];
}
