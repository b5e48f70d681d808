import { createPublicKey } from 'node:crypto';
import { jwtVerify } from 'jose';
import { sandboxAssertionKey } from '../../provider-kit/definition/sandbox-credentials.js';
import { BoundedMap } from '../grants/bounded-map.js';
import type { Parameters } from '../http/form.js';

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** The limit of SMART App Launch for the lifetime of an assertion. */
const longestLifeSeconds = 300;

/** The claims that an assertion must have. */
export interface ExpectedAssertion {
  readonly slug: string;
  readonly clientId: string;
  /** The endpoint that the request came to. */
  readonly audience: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/**
 * Checks the assertions of one fake's client, and accepts each once.
 *
 * @see RFC 7523 section 3, https://www.rfc-editor.org/rfc/rfc7523#section-3
 * @see https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html
 */
export class AssertionCheck {
  private readonly spent = new BoundedMap<true>();

  /**
   * Accepts the assertion of a form. It is signed with ES384 by the key that `kid` names. It is from and for the
   * client, for one audience, expires within five minutes, and has a `jti` that was not used before.
   *
   * @throws Error saying what is wrong
   */
  async accept(form: Parameters, expected: ExpectedAssertion): Promise<void> {
    if (form.find('client_assertion_type') !== assertionType) {
      throw new Error('client_assertion_type is wrong');
    }
    if (form.find('client_secret') !== undefined || ![undefined, expected.clientId].includes(form.find('client_id'))) {
      throw new Error('two client authentications at once, or another client');
    }
    const { keyId, privateKeyPem } = sandboxAssertionKey(expected.slug);
    const { payload, protectedHeader } = await jwtVerify(
      form.find('client_assertion') ?? '',
      createPublicKey(privateKeyPem),
      {
        algorithms: ['ES384'],
        issuer: expected.clientId,
        subject: expected.clientId,
        currentDate: new Date(expected.nowMs),
      },
    );
    // Absent counts as infinite.
    const { aud, exp = Infinity, jti } = payload;
    if (aud !== expected.audience) {
      throw new Error('aud is not this endpoint alone');
    }
    if (protectedHeader.kid !== keyId || protectedHeader.typ !== 'JWT') {
      throw new Error('kid names another key, or typ is not JWT');
    }
    if (exp > expected.nowMs / 1_000 + longestLifeSeconds) {
      throw new Error(`exp is more than ${longestLifeSeconds} seconds ahead`);
    }
    if (typeof jti !== 'string' || jti === '' || this.spent.get(jti) === true) {
      throw new Error('jti is missing, or was used before');
    }
    this.spent.set(jti, true);
  }
}
