import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import type { RequestFate } from '../../errors/provider.errors.js';
import { bodyTooLarge, errorCode, unavailable } from './http-errors.js';

const decoders = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

/** Undoes `content-encoding`, which some servers apply although we ask for `identity`; stops at the size limit. */
export async function decompress(
  body: Buffer,
  encoding: string | undefined,
  { host, maxBytes, fate }: { readonly host: string; readonly maxBytes: number; readonly fate: RequestFate },
): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? 'identity';
  if (name === 'identity' || name === '' || body.length === 0) {
    return body;
  }
  if (!isDecoderName(name)) {
    throw unavailable(host, 'responded with an unknown content encoding', fate, 'CONTENT_ENCODING');
  }
  // Some servers send `deflate` without the zlib header, whose first byte has 8 in its lower half (RFC 1950 section
  // 2.2).
  const decode = name === 'deflate' && ((body[0] ?? 0) & 0x0f) !== 8 ? promisify(inflateRaw) : decoders[name];
  try {
    return await decode(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if (errorCode(error) === 'ERR_BUFFER_TOO_LARGE') {
      throw bodyTooLarge(host, maxBytes, fate);
    }
    throw unavailable(host, 'responded with a body that cannot be decompressed', fate, errorCode(error));
  }
}

function isDecoderName(name: string): name is keyof typeof decoders {
  return Object.hasOwn(decoders, name);
}
