import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { appConfig, type AppConfig } from './config/app.config.js';
import { configureApplication, createAdapter } from './http/application.js';

/** Starts the API on the port of the environment. */
export async function serve(): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, createAdapter(), {
    bufferLogs: true,
    // On failure Nest would print every property of the error in its own format; the caller writes one sentence.
    autoFlushLogs: false,
    bodyParser: false,
    abortOnError: false,
  });
  configureApplication(app);
  const { port, host } = app.get<AppConfig>(appConfig.KEY);
  try {
    // Apart from `listen`, which would do it too, so that a database or a key that is wrong is not taken for a taken port.
    await app.init();
    await app.listen(port, host).catch((error: unknown) => {
      throw new Error(`PORT ${port} cannot be listened on; choose another one.`, { cause: error });
    });
  } catch (error) {
    await app.close();
    throw error;
  }
  return app;
}
