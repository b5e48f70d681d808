import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Refusal } from './fake-response.js';

/** One request, read whole and otherwise unchanged, because signatures are computed from the received bytes. */
export interface IncomingCall {
  readonly method: string;
  /** As in the request line: `/<slug>/path?query`. */
  readonly target: string;
  /** First segment of the path; empty for `/`. */
  readonly slug: string;
  /** The path after the slug, still encoded. */
  readonly path: string;
  /** The query without `?`, still encoded. */
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The same as received. */
  readonly bytes: Buffer;
}

const bodyLimitBytes = 1_048_576;

/**
 * Reads a request.
 *
 * @throws {@link Refusal} 400 on an absolute-form target or a repeated `Authorization`, 413 on a body above 1 MiB
 */
export async function readCall(request: IncomingMessage): Promise<IncomingCall> {
  const target = request.url ?? '/';
  if (!target.startsWith('/')) {
    throw new Refusal(400, 'invalid_request', 'the request target must start with /');
  }
  if ((request.headersDistinct['authorization']?.length ?? 0) > 1) {
    throw new Refusal(400, 'invalid_request', 'Authorization is repeated');
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bodyLimitBytes) {
      throw new Refusal(413, 'invalid_request', 'the body is above 1 MiB');
    }
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const question = target.indexOf('?');
  const fullPath = question === -1 ? target : target.slice(0, question);
  const slash = fullPath.indexOf('/', 1);
  return {
    method: request.method ?? 'GET',
    target,
    slug: slash === -1 ? fullPath.slice(1) : fullPath.slice(1, slash),
    path: slash === -1 ? '' : fullPath.slice(slash),
    query: question === -1 ? '' : target.slice(question + 1),
    headers: request.headers,
    body: bytes.toString('utf8'),
    bytes,
  };
}
