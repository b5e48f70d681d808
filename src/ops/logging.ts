import type { IncomingMessage, ServerResponse } from 'node:http';
import { RequestMethod } from '@nestjs/common';
import type { Params } from 'nestjs-pino';
import { pino, type LogFn, type Logger } from 'pino';
import type { AppConfig } from '../config/app.config.js';

/**
 * How the process logs: one JSON object a line in production, readable lines in development.
 *
 * Nothing is logged by default and then redacted: of a request only method and path are taken (queries hold codes), of an
 * answer only the status, of an error only what our own error types say of themselves (LOG-02).
 */
export async function loggingOptions(config: AppConfig): Promise<Params> {
  return {
    forRoutes: [{ path: '*splat', method: RequestMethod.ALL }],
    pinoHttp: [
      {
        level: config.logLevel,
        quietReqLogger: true,
        hooks: { logMethod: skipStartupDetails },
        genReqId: (request: IncomingMessage) => request.id,
        serializers: {
          req: (request: { id: unknown; method: string; url?: string }) => ({
            id: request.id,
            method: request.method,
            path: pathOf(request.url),
          }),
          res: (response: { statusCode: number }) => ({ status: response.statusCode }),
          err: describeError,
        },
        customSuccessMessage: (request: IncomingMessage, response: ServerResponse) =>
          `${request.method} ${pathOf(originalUrl(request))} ${response.statusCode}`,
        customErrorMessage: (request: IncomingMessage, response: ServerResponse) =>
          `${request.method} ${pathOf(originalUrl(request))} ${response.statusCode}`,
      },
      config.production ? pino.destination({ dest: 1, sync: true }) : await readableStream(),
    ],
  };
}

/** The readable form is a development dependency; without it lines stay JSON. */
async function readableStream() {
  const { default: pretty } = await import('pino-pretty');
  return pretty({
    sync: true,
    translateTime: 'HH:MM:ss',
    ignore: 'pid,hostname,req,res,responseTime,reqId,context',
    messageFormat: '{if context}[{context}] {end}{msg}',
  });
}

/** Nest tells every module and route at boot; that is worth reading only when debugging. */
const startupDetails = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer']);

function skipStartupDetails(this: Logger, args: Parameters<LogFn>, method: LogFn, level: number): void {
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
  method.apply(this, args);
}

function originalUrl(request: IncomingMessage): string | undefined {
  return (request as IncomingMessage & { originalUrl?: string }).originalUrl ?? request.url;
}

/** The path of a URL without its query, with control characters made visible. */
function pathOf(url: string | undefined): string {
  return (url ?? '').split('?', 1)[0]?.slice(0, 500) ?? '';
}

/** An error as it may be logged: its type, message, stack, and the same of its causes; never other properties. */
export function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) {
    return { type: typeof error };
  }
  const cause = error.cause !== undefined && depth < 3 ? { cause: describeError(error.cause, depth + 1) } : {};
  return { type: error.name, message: error.message, stack: error.stack, ...cause };
}
