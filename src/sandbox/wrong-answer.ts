import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Answer } from './answer.js';
import type { Misbehaviour } from './misbehaviour.js';

/** Renders an error as the provider writes it. */
export type ErrorRenderer = (status: number, error: string, description: string) => Answer;

/**
 * Returns the answer that takes the place of the right one, `drop`, or `undefined` where the misbehaviour only changes fields or
 * the time.
 *
 * @param presented - the secrets in the request, for `echoSecret`
 */
export function replacement(
  wrong: Misbehaviour,
  render: ErrorRenderer,
  presented: string,
): Answer | 'drop' | undefined {
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

/** Returns a right answer with the fields changed that the misbehaviour names. */
export function alter(answer: Answer, wrong: Misbehaviour): Answer {
  const { content } = answer;
  if (answer.status !== 200 || content === undefined) {
    return answer;
  }
  if ('json' in content) {
    const isTokenAnswer = 'access_token' in content.json;
    const altered = { ...answer, content: { ...content, json: alteredFields(content.json, wrong) } };
    return isTokenAnswer ? under(wrong.type === 'contentType' ? wrong.value : undefined, altered) : answer;
  }
  if ('form' in content && wrong.type === 'callbackNotConfirmed') {
    const form: Record<string, string> = { ...content.form };
    if (wrong.value === 'false') {
      form['oauth_callback_confirmed'] = 'false';
    } else {
      delete form['oauth_callback_confirmed'];
    }
    return { ...answer, content: { form } };
  }
  return answer;
}

function under(contentType: string | undefined, answer: Answer): Answer {
  return contentType === undefined
    ? answer
    : { ...answer, headers: { ...answer.headers, 'Content-Type': contentType } };
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
