import { decodeJwt, exportJWK, generateKeyPair, generateSecret, SignJWT, type CryptoKey } from 'jose';
import { startRecordingServer, type RecordingServer } from './recording-server.js';

/** Signs ID tokens with a key of its own, which it publishes as a provider would. */
export class IdTokenForge {
  private constructor(
    private readonly algorithm: string,
    private readonly key: CryptoKey | Uint8Array,
    private readonly server: RecordingServer,
  ) {}

  /** @param algorithm - a name of RFC 7518 section 3.1; a symmetric key is published too */
  static async start(algorithm: string): Promise<IdTokenForge> {
    const options = { extractable: true };
    const { signing, published } = algorithm.startsWith('HS')
      ? await generateSecret(algorithm, options).then((key) => ({ signing: key, published: key }))
      : await generateKeyPair(algorithm, options).then((pair) => ({
          signing: pair.privateKey,
          published: pair.publicKey,
        }));
    const keys = [{ ...(await exportJWK(published)), kid: 'forged', alg: algorithm, use: 'sig' }];
    const server = await startRecordingServer(() => ({
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ keys }),
    }));
    return new IdTokenForge(algorithm, signing, server);
  }

  /** Where its public key is. */
  get jwksUrl(): string {
    return `${this.server.url}/keys`;
  }

  /** Returns a token with the same claims. */
  resign(idToken: string): Promise<string> {
    return new SignJWT(decodeJwt(idToken)).setProtectedHeader({ alg: this.algorithm, kid: 'forged' }).sign(this.key);
  }

  stop(): Promise<void> {
    return this.server.close();
  }
}
