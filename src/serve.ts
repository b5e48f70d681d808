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
  await app.listen(app.get<AppConfig>(appConfig.KEY).port, '0.0.0.0');
  return app;
}
