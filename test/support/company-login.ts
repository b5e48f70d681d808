import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { startRecordingServer, type RecordingServer } from '../../src/provider-kit/testing/recording-server.js';

const issuer = 'https://login.company.example/';
const audience = 'https://link.company.example';

/** The company's login: publishes its keys and signs tokens for its users. */
export class CompanyLogin {
  private constructor(
    private readonly server: RecordingServer,
    private readonly key: ReturnType<typeof generateKeyPairSync>,
  ) {}

  static async start(): Promise<CompanyLogin> {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const body = JSON.stringify({ keys: [{ ...key.publicKey.export({ format: 'jwk' }), kid: 'key-1' }] });
    return new CompanyLogin(await startRecordingServer(() => ({ body })), key);
  }

  /** The variables that make a deployment accept its tokens. */
  get environment(): Readonly<Record<string, string>> {
    return { USER_JWKS_URL: this.server.url, USER_JWT_ISSUER: issuer, USER_JWT_AUDIENCE: audience };
  }

  /** @param lifeSeconds - negative for a token that has expired */
  tokenFor(userId: string, lifeSeconds = 300): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    return new SignJWT({ iss: issuer, aud: audience, sub: userId, iat: now, exp: now + lifeSeconds })
      .setProtectedHeader({ alg: 'ES256', kid: 'key-1', typ: 'JWT' })
      .sign(this.key.privateKey);
  }

  stop(): Promise<void> {
    return this.server.close();
  }
}
