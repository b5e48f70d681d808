import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** Google Health: ECDSA in the wire format of Tink. */
export const googleHealthSandboxNotification: SandboxNotify = ({ kind, accountIds, number, isForged }) => {
  if (kind !== 'data' && kind !== 'deauthorized') {
    return undefined;
  }
  const operation = kind === 'data' ? 'UPSERT' : 'DELETE';
  const body = JSON.stringify(
    accountIds.map((healthUserId) => ({
      data: {
        version: '1',
        clientProvidedSubscriptionName: `cf-${number}`,
        healthUserId,
        operation,
        dataType: 'sleep',
        intervals: [],
      },
    })),
  );
  return {
    headers: {
      'content-type': 'application/json',
      'x-healthapi-signature': signAsTink(body, isForged ? another.privateKey : privateKey),
    },
    body,
  };
};

const keyId = 0x0c0ffee0;
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const another = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** Version 1, the id of the key, and a DER signature. */
function signAsTink(body: string, key: KeyObject): string {
  const prefix = Buffer.from([1, 0, 0, 0, 0]);
  prefix.writeUInt32BE(keyId, 1);
  return Buffer.concat([prefix, sign('sha256', Buffer.from(body), key)]).toString('base64');
}

/**
 * The public keyset as Google publishes it: a protobuf with the parameters. Field 3 is x, field 4 is y. Each has a
 * leading zero.
 */
export function googleHealthKeyset(): Record<string, unknown> {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const field = (number: number, bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
  const coordinate = (base64url: string): Buffer =>
    Buffer.concat([Buffer.from([0]), Buffer.from(base64url, 'base64url')]);
  const parameters = field(2, Buffer.from([8, 3, 16, 2, 24, 2]));
  const value = Buffer.concat([parameters, field(3, coordinate(x)), field(4, coordinate(y))]).toString('base64');
  const typeUrl = 'type.googleapis.com/google.crypto.tink.EcdsaPublicKey';
  const keyData = { typeUrl, value, keyMaterialType: 'ASYMMETRIC_PUBLIC' };
  return { primaryKeyId: keyId, key: [{ keyData, status: 'ENABLED', keyId, outputPrefixType: 'TINK' }] };
}
