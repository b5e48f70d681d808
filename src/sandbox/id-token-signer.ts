import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { OAuth2SandboxMaker } from '../provider-kit/sandbox-maker.js';
import type { Answer } from './answer.js';
import type { Route } from './routing.js';

/** Not published by most makers; long enough for an application that checks it at once. */
const lifetimeSeconds = 3600;

/** Signs the ID tokens of one fake with a key of its own, made when it starts (OpenID Connect Core section 2). */
export class IdTokenSigner {
  readonly #keyId = randomUUID();
  readonly #keys;

  constructor(
    private readonly declaration: NonNullable<OAuth2SandboxMaker['idToken']>,
    private readonly context: { readonly clientId: string; readonly now: () => number },
  ) {
    this.#keys = generateKeyPair(declaration.algorithm);
  }

  /** @param nonce - of the authorize request; none in an answer to a refresh */
  async sign(accountId: string, nonce: string | undefined): Promise<string> {
    const { issuer, algorithm } = this.declaration;
    const issuedAt = Math.floor(this.context.now() / 1000);
    return new SignJWT(nonce === undefined ? {} : { nonce })
      .setProtectedHeader({ alg: algorithm, kid: this.#keyId })
      .setIssuer(issuer)
      .setAudience(this.context.clientId)
      .setSubject(accountId)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetimeSeconds)
      .sign((await this.#keys).privateKey);
  }

  get routes(): Route[] {
    return [{ kind: 'jwks', method: 'GET', path: this.declaration.jwksPath, answer: () => this.#keySet() }];
  }

  /** Answers with the public keys, as a JSON Web Key Set (RFC 7517). */
  async #keySet(): Promise<Answer> {
    const key = await exportJWK((await this.#keys).publicKey);
    const json = { keys: [{ ...key, kid: this.#keyId, use: 'sig', alg: this.declaration.algorithm }] };
    return { status: 200, content: { json } };
  }
}
