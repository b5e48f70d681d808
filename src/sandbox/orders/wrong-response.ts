import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { FakeResponse } from '../http/fake-response.js';
import type { Misbehaviour } from '../misbehaviour.js';

/** Renders an error as the provider writes it. */
export type ErrorRenderer = (status: number, error: string, description: string) => FakeResponse;

/**
 * Returns the response that replaces the right one, `drop`, or `undefined` if the misbehavior only changes fields or
 * the time.
 *
 * @param presented - the secrets in the request, for `echoSecret`
 */
export function replacement(
  wrong: Misbehaviour,
  render: ErrorRenderer,
  presented: string,
): FakeResponse | 'drop' | undefined {
  switch (wrong.type) {
    case 'drop':
      return 'drop';
    case 'status':
      return {
        status: wrong.code,
        ...(wrong.headers === undefined ? {} : { headers: wrong.headers }),
        ...(wrong.body === undefined ? {} : { content: { text: wrong.body, type: wrong.contentType ?? 'text/plain' } }),
      };
    case 'html':
      return { status: 200, content: { text: '<!doctype html><title>Maintenance</title>', type: 'text/html' } };
    case 'emptyBody':
      return { status: 200 };
    case 'errorIn200':
      return render(200, wrong.error, 'ordered by the test');
    case 'error':
      return under(wrong.contentType, render(wrong.status, wrong.error, 'ordered by the test'));
    case 'echoSecret':
      return render(wrong.status, wrong.error, `not accepted: ${presented}`);
    case 'redirect':
      return { status: wrong.status, headers: { Location: wrong.location } };
    case 'hugeBody':
      return { status: 200, content: { stream: () => Readable.from(hugeJson(wrong.bytes)), type: 'application/json' } };
    case 'gzipBomb':
      return {
        status: 200,
        headers: { 'Content-Encoding': 'gzip' },
        content: { stream: () => Readable.from(hugeJson(wrong.bytes)).pipe(createGzip()), type: 'application/json' },
      };
    case 'slow':
    case 'omitExpiresIn':
    case 'expiresIn':
    case 'omitRefreshToken':
    case 'emptyRefreshToken':
    case 'scope':
    case 'idToken':
    case 'badTokenType':
    case 'fields':
    case 'contentType':
    case 'callbackNotConfirmed':
      return undefined;
  }
}

/** Returns a right response with the changed fields of the misbehavior. */
export function alter(response: FakeResponse, wrong: Misbehaviour): FakeResponse {
  const { content } = response;
  if (response.status !== 200 || content === undefined) {
    return response;
  }
  if ('json' in content) {
    const isTokenResponse = 'access_token' in content.json;
    const altered = { ...response, content: { ...content, json: alteredFields(content.json, wrong) } };
    return isTokenResponse ? under(wrong.type === 'contentType' ? wrong.value : undefined, altered) : response;
  }
  if ('form' in content && wrong.type === 'callbackNotConfirmed') {
    const form: Record<string, string> = { ...content.form };
    if (wrong.value === 'false') {
      form['oauth_callback_confirmed'] = 'false';
    } else {
      delete form['oauth_callback_confirmed'];
    }
    return { ...response, content: { form } };
  }
  return response;
}

function under(contentType: string | undefined, response: FakeResponse): FakeResponse {
  return contentType === undefined
    ? response
    : { ...response, headers: { ...response.headers, 'Content-Type': contentType } };
}

function alteredFields(fields: Readonly<Record<string, unknown>>, wrong: Misbehaviour): Record<string, unknown> {
  const changed: Record<string, unknown> = { ...fields };
  if (wrong.type === 'omitExpiresIn') {
    delete changed['expires_in'];
  } else if (wrong.type === 'expiresIn') {
    changed['expires_in'] = wrong.value;
  } else if (wrong.type === 'omitRefreshToken') {
    delete changed['refresh_token'];
  } else if (wrong.type === 'emptyRefreshToken') {
    changed['refresh_token'] = '';
  } else if (wrong.type === 'badTokenType') {
    changed['token_type'] = wrong.value ?? 'mac';
  } else if (wrong.type === 'fields') {
    for (const [name, value] of Object.entries(wrong.values)) {
      changed[name] = value ?? undefined;
    }
  }
  return changed;
}

function* hugeJson(bytes: number): Generator<Buffer> {
  const chunk = Buffer.alloc(65_536, 'a');
  yield Buffer.from('{"access_token":"');
  for (let left = bytes; left > 0; left -= chunk.length) {
    yield left < chunk.length ? chunk.subarray(0, left) : chunk;
  }
  yield Buffer.from('"}');
}
