import type { ServerResponse } from 'node:http';
import { unescape } from 'node:querystring';
import type { Writable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import type { Params } from 'nestjs-pino';
import { pino, type LogFn, type Logger } from 'pino';
import type { PrettyStream } from 'pino-pretty';
import type { AppConfig } from '../config/app.config.js';
import { scrub, scrubDeep, scrubPath } from '../redaction/scrub.js';
import { describeError, visible } from './describe-error.js';
import { tracing } from './trace-context.js';

/**
 * Returns the options of the process log: one JSON object a line in production, readable lines in development.
 *
 * Only chosen fields are logged; nothing is logged first and redacted later (LOG-02). Of a request these are method,
 * path and the caller's address, as CALLER_ADDRESS says; queries hold codes. Of a response it is the status. Of an
 * error these are its type, message and stack. Known secrets, and text that looks like one, are hidden by value in the
 * rest (LOG-01). Invisible characters are written out, so that text from outside can neither begin a line of its own
 * nor command a terminal (LOG-04).
 *
 * @param config - level and format; readable lines if it names no format
 * @param destination - stream for the lines; standard output when absent
 */
export async function loggingOptions(
  config: Pick<AppConfig, 'logLevel'> & Partial<AppConfig>,
  destination?: Writable,
): Promise<Params> {
  return {
    // Its middleware costs as much as issuing a token; `RequestLog` takes its place.
    forRoutes: [],
    pinoHttp: [
      {
        level: config.logLevel,
        hooks: { logMethod },
        formatters: {
          // The ids of a trace look like keys, and are none.
          log: (line: object) => ({ ...(scrubDeep(line) as Record<string, unknown>), ...tracing().activeIds() }),
        },
        // Otherwise pino copies every property of an error before `describeError` sees it, and hides that it is an
        // error.
        wrapSerializers: false,
        serializers: {
          req: (request: LoggedRequest) => ({
            id: request.id,
            method: request.method,
            path: pathOf(request),
            address: request.callerAddress,
          }),
          res: (response: ServerResponse) => ({ status: response.statusCode }),
          err: describeError,
        },
      },
      config.logFormat === 'json'
        ? (destination ?? pino.destination({ dest: 1, sync: true }))
        : await readableStream(destination),
    ],
  };
}

async function readableStream(destination: Writable | undefined): Promise<PrettyStream> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({
    ...(destination === undefined ? { sync: true } : { destination }),
    translateTime: 'HH:MM:ss',
    ignore: 'pid,hostname,req,res,responseTime,reqId,code,context,trace_id,span_id',
    // The id is on the failures, where somebody may look for it.
    messageFormat: '{if context}[{context}] {end}{msg}{if code} {code} {reqId}{end}',
  });
}

/** The logged parts of a request. */
export interface LoggedRequest extends Pick<
  FastifyRequest,
  'id' | 'method' | 'originalUrl' | 'problemCode' | 'callerAddress'
> {
  readonly routeOptions: Pick<FastifyRequest['routeOptions'], 'url'>;
}

/**
 * Logs a request that has ended: its method, path and status, and the code of the error if there was one. The level is
 * `info`, for passed checks of a hook `debug`. Where the log begins higher, nothing is gathered for it.
 *
 * @param logger - of the request, with its id
 */
export function logWhenFinished(logger: Logger, request: LoggedRequest, response: ServerResponse): void {
  if (!logger.isLevelEnabled('info')) {
    return;
  }
  const startedAt = Date.now();
  // Emitted once: after the response, or when the caller has gone before it.
  response.once('close', () => {
    const { problemCode: code } = request;
    const line = { res: response, responseTime: Date.now() - startedAt, ...(code === undefined ? {} : { code }) };
    const message = `${request.method} ${pathOf(request)} ${response.statusCode}`;
    logger.child({ req: request })[isPassedCheck(request, response) ? 'debug' : 'info'](line, message);
  });
}

/**
 * Whether a provider has checked the URL of a hook with success. A provider does that for each subscription, Oura 51
 * times at the first start. The subscriptions and their number are in the metrics.
 */
function isPassedCheck({ method, routeOptions }: LoggedRequest, { statusCode }: ServerResponse): boolean {
  return method !== 'POST' && statusCode === 200 && routeOptions.url?.startsWith('/v1/hooks/:provider') === true;
}

/** Nest tells every module and route at boot; that is worth reading only when debugging. */
const startupDetails = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer']);

function logMethod(this: Logger, args: Parameters<LogFn>, method: LogFn, level: number): void {
  const [first] = args as unknown[];
  const context = typeof first === 'object' && first !== null && 'context' in first ? first.context : undefined;
  if (
    typeof context === 'string' &&
    startupDetails.has(context) &&
    level === this.levels.values['info'] &&
    this.level === 'info'
  ) {
    return;
  }
  const safe = withOwnMessage(args).map((each) => (typeof each === 'string' ? visible(scrub(each)) : each));
  method.apply(this, safe as Parameters<LogFn>);
}

/** Adds a message of our own. Otherwise pino uses the message of the error unchanged. */
function withOwnMessage([first, ...rest]: unknown[]): unknown[] {
  const line = first instanceof Error ? { err: first } : first;
  const error = typeof line === 'object' && line !== null && 'err' in line ? line.err : undefined;
  return error instanceof Error && rest.length === 0 ? [line, error.message] : [line, ...rest];
}

/**
 * The path of a URL without its query. The part under a route's `*` is between the caller and the provider, and stays
 * out. So does the part below `.../proxy` in a request that no route takes, such as one with another method.
 */
function pathOf({ originalUrl, routeOptions }: LoggedRequest): string {
  const segments = (originalUrl.split('?', 1)[0] ?? '').split('/');
  const route = routeOptions.url?.split('/');
  const beforeRest = route === undefined ? endOfProxy(segments) : route.at(-1) === '*' ? route.length - 1 : undefined;
  const shown = beforeRest === undefined ? segments : [...segments.slice(0, beforeRest), '*'];
  return visible(scrubPath(shown.join('/').slice(0, 500)));
}

/** Returns the number of segments up to `connections/{provider}/proxy`, in any spelling, if more segments follow. */
function endOfProxy(segments: readonly string[]): number | undefined {
  const names = segments.map((segment) => unescape(segment).toLowerCase());
  const end = names.findIndex((name, index) => name === 'proxy' && names[index - 2] === 'connections') + 1;
  return end > 0 && end < segments.length ? end : undefined;
}
