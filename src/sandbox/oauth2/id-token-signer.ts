import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import type { FakeResponse } from '../http/fake-response.js';
import type { Route } from '../http/routing.js';

/** Most providers do not publish it. Long enough for an application that checks an ID token at once. */
const lifetimeSeconds = 3600;

/** Signs the ID tokens of one fake with a key of its own, made when it starts (OpenID Connect Core section 2). */
export class IdTokenSigner {
  readonly #keyId = randomUUID();
  readonly #keys;

  constructor(
    private readonly definition: NonNullable<OAuth2SandboxDefinition['idToken']>,
    private readonly context: { readonly clientId: string; readonly now: () => number },
  ) {
    this.#keys = generateKeyPair(definition.algorithm);
  }

  /**
   * @param further - claims beside or instead of the usual ones, such as a nonce; `null` or `undefined` omits one
   */
  async sign(accountId: string, further: Readonly<Record<string, unknown>>): Promise<string> {
    const { issuer, algorithm } = this.definition;
    const iat = Math.floor(this.context.now() / 1000);
    const times = { iat, exp: iat + lifetimeSeconds };
    const ofUser = { sub: accountId, ...this.definition.claims?.(accountId) };
    const usual = { iss: issuer, aud: this.context.clientId, ...ofUser, ...times };
    const claims = Object.entries({ ...usual, ...further }).filter(
      ([, value]) => value !== null && value !== undefined,
    );
    return new SignJWT(Object.fromEntries(claims))
      .setProtectedHeader({ alg: algorithm, kid: this.#keyId })
      .sign((await this.#keys).privateKey);
  }

  get routes(): Route[] {
    const { jwksPath: path } = this.definition;
    return path === undefined ? [] : [{ kind: 'jwks', method: 'GET', path, respond: () => this.#keySet() }];
  }

  /** Responds with the public keys, as a JSON Web Key Set (RFC 7517). */
  async #keySet(): Promise<FakeResponse> {
    const key = await exportJWK((await this.#keys).publicKey);
    const json = { keys: [{ ...key, kid: this.#keyId, use: 'sig', alg: this.definition.algorithm }] };
    return { status: 200, content: { json } };
  }
}
