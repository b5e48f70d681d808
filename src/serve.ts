import { Logger, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { BackgroundJobs } from './clock/background-jobs.js';
import { appConfig, type AppConfig } from './config/app.config.js';
import { databaseConfig, type DatabaseConfig } from './database/database.config.js';
import { configureApplication, createAdapter } from './http/application.js';
import { ProviderRegistry } from './provider-kit/provider-registry.js';
import { tokensConfig, type TokensConfig } from './tokens/tokens.config.js';
import { WorkerModule } from './worker.module.js';

/** Starts the API on the port of the environment, and the refresh scheduler unless it is off here. */
export async function serve(): Promise<NestFastifyApplication> {
  const app = await listen(AppModule);
  if (app.get<TokensConfig>(tokensConfig.KEY, { strict: false }).schedulerInApi) {
    app.get(BackgroundJobs, { strict: false }).startWorkers();
  }
  return app;
}

/**
 * Starts a process that only refreshes what is due; it answers for its health and metrics on the port of the
 * environment.
 */
export async function work(): Promise<NestFastifyApplication> {
  const app = await listen(WorkerModule);
  app.get(BackgroundJobs, { strict: false }).startWorkers();
  return app;
}

async function listen(module: Type): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(module, createAdapter(appConfig()), {
    bufferLogs: true,
    // On failure Nest would print every property of the error in its own format; the caller writes one sentence.
    autoFlushLogs: false,
    bodyParser: false,
    abortOnError: false,
  });
  configureApplication(app);
  const { port, host, production } = app.get<AppConfig>(appConfig.KEY);
  if (production && app.get<DatabaseConfig>(databaseConfig.KEY, { strict: false }).remoteWithoutTls) {
    new Logger('Database').warn(
      'PostgreSQL is on another machine, and DATABASE_URL does not require TLS. Anyone on the network path can read and change rows, and read the ' +
        'password. Add sslmode=verify-full to DATABASE_URL.',
    );
  }
  try {
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
  new Logger('Cufflink').log(`Listening on ${await app.getUrl()}. Configured providers: ${providers}.`);
  return app;
}
