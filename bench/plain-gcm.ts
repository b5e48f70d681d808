import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';

/** The cheapest encryption one would defend: AES-256-GCM with one key, a random IV in front and the tag behind. */
export function plainSeal(key: KeyObject, value: object): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: 16 });
  return Buffer.concat([iv, cipher.update(JSON.stringify(value), 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

/** Opens what {@link plainSeal} made. */
export function plainOpen(key: KeyObject, sealed: Buffer): unknown {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 });
  decipher.setAuthTag(sealed.subarray(sealed.length - 16));
  const opened = decipher.update(sealed.subarray(12, sealed.length - 16));
  return JSON.parse(Buffer.concat([opened, decipher.final()]).toString('utf8'));
}
