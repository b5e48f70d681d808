import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Logger, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { BackgroundJobs } from './clock/background-jobs.js';
import { appConfig, type AppConfig } from './config/app.config.js';
import { databaseConfig, type DatabaseConfig } from './database/database.config.js';
import { Draining } from './http/draining.js';
import { configureApplication, createAdapter } from './http/application.js';
import { findLinkObjection, linksConfig, type LinksConfig } from './links/links.config.js';
import { tracing } from './ops/trace-context.js';
import { ProviderRegistry } from './provider-kit/provider-registry.js';
import { tokensConfig, type TokensConfig } from './tokens/tokens.config.js';
import { WorkerModule } from './worker.module.js';

/** A call that takes longer waits for a provider that does not respond. */
const longestCallMs = 20_000;

/**
 * Starts the API on the port of the environment, and the refresh scheduler unless it is off here.
 *
 * @param module - `AppModule`, or one that imports it
 */
export async function serve(module: Type = AppModule): Promise<NestFastifyApplication> {
  const app = await listen(module, (context) => {
    const objection = findLinkObjection(context.get<LinksConfig>(linksConfig.KEY, { strict: false }));
    if (objection !== undefined) {
      throw new Error(objection);
    }
  });
  if (app.get<TokensConfig>(tokensConfig.KEY, { strict: false }).schedulerInApi) {
    app.get(BackgroundJobs, { strict: false }).startWorkers();
  }
  return app;
}

/**
 * Starts a process that only refreshes what is due; it serves its health and metrics on the port of the
 * environment.
 */
export async function work(): Promise<NestFastifyApplication> {
  const app = await listen(WorkerModule);
  app.get(BackgroundJobs, { strict: false }).startWorkers();
  return app;
}

async function listen(
  module: Type,
  check: (app: NestFastifyApplication) => void = () => undefined,
): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(module, createAdapter(appConfig()), {
    bufferLogs: true,
    // On failure Nest would print every property of the error in its own format; the caller writes one sentence.
    autoFlushLogs: false,
    bodyParser: false,
    abortOnError: false,
  });
  configureApplication(app);
  const { port, host, production, drainMs } = app.get<AppConfig>(appConfig.KEY);
  // Nobody sends calls to a worker.
  closeOnTermination(app, module === WorkerModule ? 0 : drainMs);
  if (production && app.get<DatabaseConfig>(databaseConfig.KEY, { strict: false }).remoteWithoutTls) {
    new Logger('Database').warn(
      'PostgreSQL is on another machine, and DATABASE_URL or DATABASE_READ_URL does not require TLS. Anyone on the network path can read and change rows, and read the ' +
        'password. Add sslmode=verify-full to the URL.',
    );
  }
  try {
    check(app);
    // Apart from `listen`, which would do it too, so that a database or a key that is wrong is not taken for a taken
    // port.
    await app.init();
    await app.listen(port, host).catch((error: unknown) => {
      throw new Error(`PORT ${port} cannot be used. Choose another one.`, { cause: error });
    });
  } catch (error) {
    await app.close();
    throw error;
  }
  const configured = app
    .get(ProviderRegistry, { strict: false })
    .list()
    .filter(({ settings }) => settings.mode === 'configured')
    .map(({ definition }) => definition.slug);
  const providers = configured.length === 0 ? 'none' : configured.join(', ');
  new Logger('Cufflink').log(`Listening on ${addressOf(app)}. Configured providers: ${providers}.`);
  return app;
}

/** The address as it is. Nest's `getUrl` says 127.0.0.1 for every address that has no name. */
function addressOf(app: NestFastifyApplication): string {
  const { address, family, port } = app.getHttpServer().address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/**
 * Stops the process on SIGTERM without a failed call. `/health/ready` returns 503 at once, and every call is served for
 * so long. Then the port closes, and what has begun comes to its end.
 */
function closeOnTermination(app: NestFastifyApplication, drainMs: number): void {
  const close = async (): Promise<void> => {
    app.get(Draining, { strict: false }).begin();
    await sleep(drainMs);
    // Calls end before the rest of the service stops: they would find it half closed.
    const closed = promisify((done: () => void) => app.getHttpServer().close(done))();
    await Promise.race([closed, sleep(longestCallMs, undefined, { ref: false })]);
    await app.close();
    await tracing().flush();
  };
  let isStopping = false;
  process.on('SIGTERM', () => {
    // A supervisor may send it to npm and to us, and npm sends it to us again.
    if (!isStopping) {
      isStopping = true;
      close().then(
        () => {
          process.removeAllListeners('SIGTERM');
          process.kill(process.pid, 'SIGTERM');
        },
        (error: unknown) => {
          new Logger('Cufflink').error(error);
          process.exit(1);
        },
      );
    }
  });
}
