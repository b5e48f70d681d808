import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Logger as NestLogger } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Logger, LoggerModule, PinoLogger } from 'nestjs-pino';
import { AppErrorFilter } from '../errors/app-error.filter.js';
import { loggingOptions } from './logging.js';
import { RequestLog } from './request-log.js';

@Controller()
class Grumbler {
  private readonly logger = new NestLogger(Grumbler.name);

  @Get('grumble')
  async grumble(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.logger.warn('No.');
  }
}

describe('the log of requests', () => {
  const destination = new PassThrough();
  let app: NestFastifyApplication;
  beforeAll(async () => {
    const useFactory = () => loggingOptions({ logLevel: 'info', logFormat: 'json' }, destination);
    const testing = await Test.createTestingModule({
      imports: [LoggerModule.forRootAsync({ useFactory })],
      controllers: [Grumbler],
      providers: [RequestLog, { provide: APP_FILTER, useClass: AppErrorFilter }],
    }).compile();
    let requests = 0;
    app = testing.createNestApplication<NestFastifyApplication>(
      new FastifyAdapter({ genReqId: () => `request-${(requests += 1)}` }),
    );
    app.useLogger(app.get(Logger));
    await app.init();
  });
  beforeEach(() => {
    PinoLogger.root.level = 'info';
    destination.read();
  });
  afterAll(() => app.close());

  /** Sends two requests at once and returns their log lines, by request. */
  async function logged(url: string): Promise<unknown[]> {
    destination.read();
    await Promise.all([app.inject({ url }), app.inject({ url })]);
    await new Promise((resolve) => setImmediate(resolve));
    const text = (destination.read() as Buffer | null)?.toString() ?? '';
    const lines = text.split('\n').filter((line) => line !== '');
    return lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .sort((one, other) => String(one['reqId']).localeCompare(String(other['reqId'])))
      .map(({ level, reqId, req, res, code, msg }) => ({ level, reqId, req, res, code, msg }));
  }

  it('marks log lines of a request with its id, and logs its status', async () => {
    const req = { method: 'GET', path: '/grumble' };
    const linesOf = (id: string) => [
      { level: 40, reqId: id, req: undefined, res: undefined, msg: 'No.' },
      { level: 30, reqId: id, req: { id, ...req }, res: { status: 200 }, msg: 'GET /grumble 200' },
    ];

    expect(await logged('/grumble?secret=1')).toEqual([...linesOf('request-1'), ...linesOf('request-2')]);
  });

  it('reports why a request was refused', async () => {
    const line = { code: 'ROUTE_NOT_FOUND', msg: 'GET /nothing 404' };
    expect(await logged('/nothing')).toMatchObject([line, line]);
  });

  it('marks the lines but tells nothing of the requests themselves where the log begins at warn', async () => {
    PinoLogger.root.level = 'warn';

    expect(await logged('/grumble')).toEqual([
      { level: 40, reqId: 'request-5', req: undefined, res: undefined, msg: 'No.' },
      { level: 40, reqId: 'request-6', req: undefined, res: undefined, msg: 'No.' },
    ]);
  });
});
