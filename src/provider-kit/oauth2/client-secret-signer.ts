import { createHash } from 'node:crypto';
import { importPKCS8, SignJWT } from 'jose';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import type { OAuth2Settings } from '../definition/provider-settings.js';

/**
 * Makes the client secrets of providers that want a JWT signed with ES256 (RFC 7518 section 3.4) in place of a fixed
 * text.
 *
 * One JWT is used until half of its lifetime is over, so that no request carries one that is about to expire.
 */
export class ClientSecretSigner {
  private readonly made = new Map<string, { jwt: string; renewAtMs: number }>();

  /**
   * Returns a client secret that is valid now.
   *
   * @param definition - has audience and lifetime
   * @param settings - client id, private key (PKCS#8 PEM in `clientSecret`), team and key id
   * @param now - the current instant
   * @throws Error when the definition or the settings are incomplete; the settings are checked at the start
   */
  async sign(definition: OAuth2Definition, settings: OAuth2Settings, now: Date): Promise<string> {
    const { clientSecretJwt } = definition;
    const { signing, clientId } = settings;
    if (clientSecretJwt === undefined || signing?.teamId === undefined) {
      throw new Error(`Provider "${definition.slug}" lacks the settings that its client secret is made from.`);
    }
    const keyDigest = createHash('sha256').update(settings.clientSecret.reveal()).digest('hex');
    const cacheKey = JSON.stringify([definition.slug, clientId, signing, keyDigest, clientSecretJwt.audience]);
    const cached = this.made.get(cacheKey);
    if (cached !== undefined && now.getTime() < cached.renewAtMs) {
      return cached.jwt;
    }
    const issuedAt = Math.floor(now.getTime() / 1_000);
    const key = await importPKCS8(settings.clientSecret.reveal(), 'ES256');
    const jwt = await new SignJWT()
      .setProtectedHeader({ alg: 'ES256', kid: signing.keyId })
      .setIssuer(signing.teamId)
      .setSubject(clientId)
      .setAudience(clientSecretJwt.audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + clientSecretJwt.lifetimeSeconds)
      .sign(key);
    this.made.set(cacheKey, { jwt, renewAtMs: now.getTime() + clientSecretJwt.lifetimeSeconds * 500 });
    return jwt;
  }
}
