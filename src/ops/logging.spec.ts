import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { pinoHttp, type HttpLogger, type Options } from 'pino-http';
import { readAppConfig } from '../config/app.config.js';
import { describeError } from './describe-error.js';
import { loggingOptions, logWhenFinished } from './logging.js';

const escape = '\u001b[2K';
const forged = '\r\n{"level":30,"msg":"forged"}\n[12:00:00] INFO: forged';

/** An error of another author's HTTP client: everything that the client knows hangs on it. */
function foreignError(message = 'Request failed'): Error {
  const secrets = { headers: { authorization: 'Bearer canary' }, data: 'refresh_token=canary' };
  const response = { status: 400, data: { error_description: 'canary is not valid' }, config: secrets };
  const cause = Object.assign(new Error('socket closed'), { request: secrets });
  return Object.assign(new Error(message, { cause }), {
    config: secrets,
    request: secrets,
    response,
    detail: 'canary',
  });
}

describe('describeError', () => {
  it('shows type, message and stack of an error and of its causes, and no other property (LOG-02)', () => {
    const described = describeError(foreignError());

    expect(described).toEqual({
      type: 'Error',
      message: 'Request failed',
      stack: expect.stringContaining('logging.spec'),
      cause: { type: 'Error', message: 'socket closed', stack: expect.stringContaining('logging.spec') },
    });
    expect(inspect(described, { depth: null })).not.toContain('canary');
  });

  it.each([
    ['undefined', undefined],
    ['object', { message: 'canary' }],
    ['string', 'canary'],
  ])('tells only that %s was thrown (LOG-02)', (type, thrown) => {
    expect(describeError(thrown)).toEqual({ type });
  });

  it('ends a chain of causes that closes on itself', () => {
    const error = new Error('round');
    error.cause = error;
    expect(JSON.stringify(describeError(error)).match(/"type"/g)).toHaveLength(4);
  });

  it('writes the control characters of a message out, in the stack too (LOG-04)', () => {
    const error = new Error(`bad${forged}${escape}`);
    error.name = `Bad\n${escape}`;

    const described = describeError(error) as Record<string, string>;

    expect(described['message']).toBe(
      'bad\\u{d}\\u{a}{"level":30,"msg":"forged"}\\u{a}[12:00:00] INFO: forged\\u{1b}[2K',
    );
    expect(described['type']).toBe('Bad\\u{a}\\u{1b}[2K');
    const lines = described['stack']?.split('\n') ?? [];
    expect(lines.slice(1).every((line) => line.startsWith('    at '))).toBe(true);
    expect(described['stack']).not.toContain('\u001b');
  });
});

describe.each(['json', 'readable'] as const)('a log in the format %s', (format) => {
  it('holds the message and stack of an error, and no other property of it (LOG-02)', async () => {
    const lines = await logged({ LOG_FORMAT: format }, ({ logger }) => {
      logger.error({ context: 'Anything', err: foreignError() });
      logger.error(foreignError('A second one'), 'with words of its own');
    });

    const all = lines.join('\n');
    for (const part of ['Request failed', 'socket closed', 'with words of its own', 'logging.spec']) {
      expect(all).toContain(part);
    }
    expect(all).not.toContain('canary');
  });

  it('hides a secret by its value, anywhere in a log line (LOG-01)', async () => {
    const secret = 'canary0a1b2c3d4e5f60718293a4b5c6d7e8';
    const write = ({ logger }: Pick<HttpLogger, 'logger'>): void => {
      logger.warn(`The token is ${secret}.`);
      logger.warn({ context: 'Anything', token: secret, deep: [{ note: `Bearer ${secret}` }] }, 'with %s', secret);
      logger.error(new Error(`Refused: refresh_token=${secret}`));
    };

    const lines = await logged({ LOG_FORMAT: format }, write);

    expect(lines.join('\n')).toContain('[secret]');
    expect(lines.join('\n')).not.toContain('canary');
  });

  it('has one line for each message, with any control characters in it (LOG-04)', async () => {
    const lines = await logged({ LOG_FORMAT: format }, ({ logger }) => {
      logger.warn(`Provider said ${forged}${escape}\u009b2K\u2028\u202e`);
      logger.warn({ context: 'Anything' }, 'Provider said %s', forged);
    });

    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(line).toContain('forged');
      expect(hasControlCharacters(withoutColours(line))).toBe(false);
    }
  });

  it('logs method, path and status of a request, and neither query nor header (LOG-01, LOG-04)', async () => {
    const lines = await logged({ LOG_FORMAT: format }, (log) =>
      serve(log, `/v1/oauth/whoop/callback${forged}${escape}\u009b2K?code=canary&state=canary`, {
        'user-agent': `canary\u009b2K`,
        'x-request-id': 'canary-request-id',
        cookie: 'canary',
      }),
    );

    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('GET /v1/oauth/whoop/callback');
    expect(lines[0]).toContain('\\u{9b}2K 204');
    expect(lines[0]).not.toContain('canary');
    expect(hasControlCharacters(withoutColours(lines[0] ?? ''))).toBe(false);
  });
});

describe('a log in the format json', () => {
  const json = { LOG_FORMAT: 'json' };

  it('holds the id that the server gave the request, its method and its path', async () => {
    const lines = await logged(json, (log) => serve(log, '/health/live?x=1'));

    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 30,
      msg: 'GET /health/live 204',
      req: { id: 'request-1', method: 'GET', path: '/health/live', address: 'digest:3f9a1c0d5e7b2a4866d1f0c9' },
      res: { status: 204 },
    });
  });

  it.each([
    ['with success at the level debug, which is off', 200, []],
    ['without success', 404, [expect.objectContaining({ level: 30, msg: 'GET /v1/hooks/oura 404' })]],
  ])('holds a check of a hook by its provider %s', async (_, status, expected) => {
    const lines = await logged(json, (log) => serve(log, '/v1/hooks/oura', {}, status, '/v1/hooks/:provider'));

    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(expected);
  });

  it('holds no made-up error beside the status 500', async () => {
    const lines = await logged(json, (log) => serve(log, '/health/ready', {}, 500));

    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'GET /health/ready 500', res: { status: 500 } });
    expect(JSON.parse(lines[0] ?? '')).not.toHaveProperty('err');
  });

  it('leaves out the part of a route under a wildcard', async () => {
    const path = '/v1/users/user-1/connections/whoop/proxy/cycle/secret?secret=1';
    const route = '/v1/users/:user_id/connections/:provider/proxy/*';
    const lines = await logged(json, (log) => serve(log, path, {}, 200, route));

    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      msg: 'GET /v1/users/user-1/connections/whoop/proxy/* 200',
      req: { path: '/v1/users/user-1/connections/whoop/proxy/*' },
    });
    expect(lines.join()).not.toContain('secret');
  });

  it.each([
    ['/v1/users/user-1/connections/whoop/proxy', '/cycle/secret?secret=1'],
    ['/v1/users/user-1/connections/whoop/%70roxy', '/secret'],
    ['//V1/users/user-1/Connections/whoop/PROXY', '/secret/connections/a/proxy/secret'],
    ['http://host.example/v1/users/user-1/connections/whoop/proxy', '/secret'],
  ])('does not hold what is below the proxy where no route takes the request: %s (LOG-02)', async (path, rest) => {
    const lines = await logged(json, (log) => serve(log, path + rest, {}, 404, null));

    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ req: { path: `${path}/*` } });
    expect(lines.join()).not.toContain('secret');
  });

  it.each(['/v1/users/user-1/connections/whoop/proxy', '/proxy/a', '/v1/100%/a'])(
    'holds any other path that no route takes: %s',
    async (path) => {
      const lines = await logged(json, (log) => serve(log, path, {}, 404, null));

      expect(JSON.parse(lines[0] ?? '')).toMatchObject({ req: { path } });
    },
  );

  it('cuts a path that is too long', async () => {
    const lines = await logged(json, (log) => serve(log, `/${'a'.repeat(2_000)}`));

    expect((JSON.parse(lines[0] ?? '') as { req: { path: string } }).req.path).toHaveLength(500);
  });

  it.each([
    ['info', 0],
    ['debug', 1],
  ])('at level %s tells each started module %i times', async (level, count) => {
    const lines = await logged({ ...json, LOG_LEVEL: level }, ({ logger }) =>
      logger.info({ context: 'InstanceLoader' }, 'TypeOrmModule dependencies initialized'),
    );

    expect(lines).toHaveLength(count);
  });
});

describe('hiding by the name of a field alone', () => {
  it('lets the same secret through in a message, in a deep field and in the text of an error (LOG-01)', async () => {
    const destination = new PassThrough();
    const all = text(destination);
    const logger = pino({ redact: ['token', '*.token'] }, destination);

    logger.warn({ token: 'canary-1' }, 'The token is canary-2.');
    logger.warn({ deep: [{ deeper: { token: 'canary-3' } }] });
    logger.error(new Error('Refused: refresh_token=canary-4'));
    destination.end();

    const leaked = (await all).match(/canary-\d/g) ?? [];
    expect([...new Set(leaked)].sort()).toEqual(['canary-2', 'canary-3', 'canary-4']);
  });
});

/** Logs as the service does, into memory, and returns the lines. */
async function logged(
  environment: Readonly<Record<string, string>>,
  log: (http: HttpLogger) => unknown,
): Promise<string[]> {
  const destination = new PassThrough();
  const params = await loggingOptions(readAppConfig(environment), destination);
  const [options, stream] = params.pinoHttp as [Options, PassThrough];
  const http = pinoHttp(options, stream);
  const all = text(destination);
  await log(http);
  stream.end();
  return (await all).split('\n').filter((line) => line !== '');
}

/**
 * Sends one request to a server that logs as ours does. Node refuses most control characters in a path, so the path is
 * set here.
 */
async function serve(
  { logger }: Pick<HttpLogger, 'logger'>,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  status = 204,
  route: string | null = path,
): Promise<void> {
  const server = createServer((_incoming, response) => {
    logWhenFinished(
      logger,
      {
        id: 'request-1',
        method: 'GET',
        originalUrl: path,
        routeOptions: { url: route ?? undefined },
        callerAddress: 'digest:3f9a1c0d5e7b2a4866d1f0c9',
      },
      response,
    );
    response.statusCode = status;
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const lines = Object.entries({ host: 'localhost', connection: 'close', ...headers }).map((each) => each.join(': '));
  socket.end(Buffer.from(['GET / HTTP/1.1', ...lines, '', ''].join('\r\n'), 'latin1'));
  socket.resume();
  await once(socket, 'close');
  server.close();
  await once(server, 'close');
}

function withoutColours(text: string): string {
  // eslint-disable-next-line no-control-regex -- the colours of pino-pretty are what is taken away
  return text.replaceAll(/\u001b\[\d*m/g, '');
}

function hasControlCharacters(line: string): boolean {
  return /(?!\n)[\p{C}\p{Zl}\p{Zp}]/u.test(line);
}
