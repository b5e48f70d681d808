import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { appConfig, type AppConfig } from './config/app.config.js';
import { configureApplication, createAdapter } from './http/application.js';

/** Starts the API on the port of the environment. */
export async function serve(): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, createAdapter(), {
    bufferLogs: true,
    bodyParser: false,
    abortOnError: false,
  });
  configureApplication(app);
  const { port, host } = app.get<AppConfig>(appConfig.KEY);
  try {
    await app.listen(port, host);
  } catch (error) {
    await app.close();
    throw new Error(`PORT ${port} cannot be listened on; choose another one.`, { cause: error });
  }
  return app;
}
