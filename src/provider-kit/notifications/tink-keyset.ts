import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { z } from 'zod';

/** Length of the prefix of a signature in Tink's wire format: a version byte, and the id of the key in four bytes. */
const prefixBytes = 5;
const coordinateBytes = 32;

const keysetSchema = z.object({
  key: z.array(
    z.object({
      keyId: z.int().min(0),
      status: z.string(),
      keyData: z.object({ typeUrl: z.string(), value: z.string() }),
    }),
  ),
});

/**
 * Reads the keys of a public keyset of Tink, JSON format, that verify ECDSA over P-256.
 *
 * @param document - parsed JSON
 * @returns enabled keys by their id; empty when the document is no keyset
 * @see https://developers.google.com/tink/wire-format
 */
export function readTinkKeyset(document: unknown): ReadonlyMap<number, KeyObject> {
  const keyset = keysetSchema.safeParse(document);
  const keys = new Map<number, KeyObject>();
  for (const { keyId, status, keyData } of keyset.data?.key ?? []) {
    const key =
      status === 'ENABLED' && keyData.typeUrl.endsWith('EcdsaPublicKey') ? toPublicKey(keyData.value) : undefined;
    if (key !== undefined) {
      keys.set(keyId, key);
    }
  }
  return keys;
}

/** Returns the id of the key in a signature; `undefined` when the signature is not in Tink's wire format. */
export function tinkKeyId(signature: Buffer): number | undefined {
  return signature.length > prefixBytes && signature[0] === 1 ? signature.readUInt32BE(1) : undefined;
}

/** Verifies a signature in Tink's wire format over the message: ECDSA P-256, SHA-256, DER. */
export function isTinkSignature(key: KeyObject, message: Buffer, signature: Buffer): boolean {
  return verify('sha256', message, key, signature.subarray(prefixBytes));
}

/** Reads a protobuf `EcdsaPublicKey`: field 3 is x, field 4 is y, each with or without a leading zero. */
function toPublicKey(base64: string): KeyObject | undefined {
  const fields = readByteFields(Buffer.from(base64, 'base64'));
  const [x, y] = [toCoordinate(fields.get(3)), toCoordinate(fields.get(4))];
  if (x === undefined || y === undefined) {
    return undefined;
  }
  try {
    return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  } catch {
    // Not a point of the curve.
    return undefined;
  }
}

function toCoordinate(bytes: Buffer | undefined): string | undefined {
  if (bytes === undefined || bytes.length > coordinateBytes + 1) {
    return undefined;
  }
  const hex = bytes.toString('hex').replace(/^(00)+/, '');
  return hex.length > coordinateBytes * 2
    ? undefined
    : Buffer.from(hex.padStart(coordinateBytes * 2, '0'), 'hex').toString('base64url');
}

/** Reads the length-delimited fields of a protobuf message by their number; stops where it is malformed. */
function readByteFields(message: Buffer): ReadonlyMap<number, Buffer> {
  const fields = new Map<number, Buffer>();
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 32; shift += 7) {
      const byte = message[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        break;
      }
    }
    return value;
  };
  while (at < message.length) {
    const tag = readVarint();
    const wireType = tag & 7;
    if (wireType === 2) {
      const length = readVarint();
      fields.set(tag >>> 3, message.subarray(at, at + length));
      at += length;
    } else if (wireType === 0) {
      readVarint();
    } else {
      break;
    }
  }
  return fields;
}
