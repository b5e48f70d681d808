import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** The response of a fake before it is written, so that a misbehavior can change single fields. */
export interface FakeResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly content?: ResponseContent;
}

type Fields = Readonly<Record<string, unknown>>;

export type ResponseContent =
  /**
   * `shape` converts the fields to the provider's form at the end, because a misbehavior uses the standard names.
   */
  | { readonly json: Fields; readonly shape?: (fields: Fields) => Fields }
  | { readonly form: Readonly<Record<string, string>> }
  | { readonly text: string; readonly type: string }
  | { readonly stream: () => Readable; readonly type: string };

/** Thrown by a fake that does not accept a request. */
export class Refusal extends Error {
  /**
   * @param status - HTTP status
   * @param error - the code that the caller and the history see
   * @param description - one sentence for a reader of the response; no secret
   * @param headers - such as `WWW-Authenticate`
   */
  constructor(
    readonly status: number,
    readonly error: string,
    readonly description: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(`${error}: ${description}`);
    this.name = 'Refusal';
  }
}

/** A refusal that is sent to the application by the browser. */
export class RedirectedRefusal extends Refusal {
  constructor(
    error: string,
    readonly response: FakeResponse,
  ) {
    super(response.status, error, 'sent to the application');
  }
}

/** Returns a redirect that no cache keeps. */
export function redirect(location: string): FakeResponse {
  return { status: 302, headers: { Location: location, 'Referrer-Policy': 'no-referrer' } };
}

/** Appends parameters to a URL. All other bytes stay, also those of its own query. */
export function appendQuery(url: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const added = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) {
      added.append(name, value);
    }
  }
  const join = !url.includes('?') ? '?' : /[?&]$/.test(url) ? '' : '&';
  return `${url}${join}${added.toString()}`;
}

/** Writes a response. A caller that hung up is not an error. */
export async function send(outgoing: ServerResponse, response: FakeResponse): Promise<void> {
  outgoing.statusCode = response.status;
  outgoing.setHeader('Cache-Control', 'no-store');
  outgoing.setHeader('X-Content-Type-Options', 'nosniff');
  const { content } = response;
  if (content !== undefined) {
    outgoing.setHeader('Content-Type', contentType(content));
  }
  for (const [name, value] of Object.entries(response.headers ?? {})) {
    outgoing.setHeader(name, value);
  }
  if (content !== undefined && 'stream' in content) {
    await pipeline(content.stream(), outgoing).catch(() => undefined);
    return;
  }
  outgoing.end(content === undefined ? undefined : contentText(content));
}

function contentType(content: ResponseContent): string {
  if ('json' in content) {
    return 'application/json; charset=utf-8';
  }
  return 'form' in content ? 'application/x-www-form-urlencoded' : content.type;
}

function contentText(content: Exclude<ResponseContent, { stream: unknown }>): string {
  if ('json' in content) {
    return JSON.stringify(content.shape?.(content.json) ?? content.json);
  }
  return 'form' in content ? new URLSearchParams(content.form).toString() : content.text;
}
