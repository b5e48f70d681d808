import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { CallbackParameters } from '../../provider-kit/handshake.js';

/** A callback has a few short parameters. */
const longestForm = 64 * 1024;

/** How to wait for the browser's return. */
export interface RedirectOptions {
  readonly redirectUri: string;
  /** Parameters that the provider uses; the others are dropped. */
  readonly used: readonly string[];
  /** The input in which the operator pastes the redirect URL of the browser. */
  readonly input: Readable;
  readonly tell: (text: string) => void;
  readonly timeoutMs: number;
}

/**
 * Waits until the browser comes back. Listens at the redirect URI if that is plain http on this machine and its port is
 * free. Otherwise the operator pastes the URL.
 *
 * @throws Error when the time is over, or the input ends first and nothing listens
 */
export async function waitForRedirect(options: RedirectOptions): Promise<CallbackParameters> {
  const { redirectUri, input, tell, timeoutMs } = options;
  const arrived = Promise.withResolvers<CallbackParameters>();
  const take = (text: string): boolean => {
    const parameters = readRedirect(text, options);
    if (parameters === undefined) {
      return false;
    }
    arrived.resolve(parameters);
    return true;
  };
  const server = await listenAt(redirectUri, take);
  const lines = createInterface({ input });
  lines.on('line', (line) => {
    if (line.trim() !== '' && !take(line.trim())) {
      tell('This is not a URL with the parameters of a callback. Paste the whole address of the last page.');
    }
  });
  lines.once('close', () => {
    if (server === undefined) {
      arrived.reject(new Error('The input has ended before a redirect URL was pasted.'));
    }
  });
  tell(
    server === undefined
      ? 'Then paste the address of the page that the browser ends at, even if that page shows an error.'
      : `Waiting for the browser at ${redirectUri}. You can also paste the address that it ends at.`,
  );
  const timer = setTimeout(() => arrived.reject(new Error('Nobody came back from the provider.')), timeoutMs);
  try {
    return await arrived.promise;
  } finally {
    clearTimeout(timer);
    lines.close();
    server?.closeAllConnections();
    server?.close();
  }
}

/** Returns the used parameters; `undefined` if there are none, or one is repeated. */
function readRedirect(text: string, { redirectUri, used }: RedirectOptions): CallbackParameters | undefined {
  if (!URL.canParse(text, redirectUri)) {
    return undefined;
  }
  const { searchParams } = new URL(text, redirectUri);
  const names = [...searchParams.keys()].filter((name) => used.includes(name));
  const isRepeated = new Set(names).size !== names.length;
  const values = names.map((name): [string, string] => [name, searchParams.get(name) ?? '']);
  const parameters = Object.fromEntries(values.filter(([, value]) => value !== ''));
  return isRepeated || Object.keys(parameters).every((name) => name === 'state') ? undefined : parameters;
}

/** Serves the redirect URI, if that is possible here. */
async function listenAt(redirectUri: string, take: (text: string) => boolean): Promise<Server | undefined> {
  const { protocol, hostname, port, pathname } = new URL(redirectUri);
  if (protocol !== 'http:' || !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)) {
    return undefined;
  }
  const server = createServer((request, response) => {
    const { pathname: path, search } = new URL(request.url ?? '/', redirectUri);
    void readForm(request).then((form) => {
      const isCallback = path === pathname && take(`${redirectUri.split('?')[0]}?${search.slice(1)}&${form}`);
      response.writeHead(isCallback ? 200 : 404, { 'content-type': 'text/plain', connection: 'close' });
      response.end(isCallback ? 'Done. Go back to the terminal.' : 'This is not the callback.');
    });
  });
  server.listen(Number(port || '80'), hostname.replace(/^\[|\]$/g, ''));
  return once(server, 'listening').then(
    () => server,
    () => undefined,
  );
}

/** Reads the body of a callback that comes by POST. */
async function readForm(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.length > longestForm) {
      return '';
    }
  }
  return text;
}
