import { randomBytes } from 'node:crypto';
import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import request from 'supertest';
import type TestAgent from 'supertest/lib/agent.js';
import { ApiKeysService } from '../../src/access/api-keys.service.js';
import { accessScopes, type AccessScope } from '../../src/access/scopes.js';
import { AppModule } from '../../src/app.module.js';
import { appConfig } from '../../src/config/app.config.js';
import { Clock } from '../../src/clock/clock.js';
import { configureApplication, createAdapter } from '../../src/http/application.js';
import { ProviderRegistry } from '../../src/provider-kit/provider-registry.js';
import { VendorSandbox } from '../../src/sandbox/vendor-sandbox.js';
import { TestClock } from './test-clock.js';
import { createMigratedDatabase } from './test-database.js';

/** Choices of a test about its application. */
export interface ApplicationOptions {
  /** Variables on top of the usual ones; `undefined` takes one away. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Shared with another instance when given. */
  readonly databaseUrl?: string;
  readonly rootKey?: string;
  /** Made elsewhere, where the application may not make any. */
  readonly apiKey?: string;
  readonly sandbox?: VendorSandbox;
  readonly clock?: TestClock;
  /** Imported beside `AppModule`, such as a provider of the test. */
  readonly modules?: readonly Type[];
  /** Replaces edges through dependency injection. */
  readonly override?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
}

/** One route, with its parameters as `:name`. */
export interface Route {
  readonly method: string;
  readonly path: string;
}

/** The real application on a port of this machine, with its own database and the vendor sandbox beside it. */
export interface TestApplication {
  readonly app: NestFastifyApplication;
  readonly sandbox: VendorSandbox;
  readonly clock: TestClock;
  readonly databaseUrl: string;
  readonly rootKey: string;
  /** Every route of the router, those that Fastify adds included. */
  readonly routes: readonly Route[];
  /** Calls with a key that has every scope. */
  readonly api: TestAgent;
  /** Calls without a key, as a browser does. */
  readonly browser: TestAgent;
  /** A further browser, with cookies of its own. */
  newBrowser(): TestAgent;
  /** Makes a key with the given scopes and returns its text. */
  createKey(...scopes: AccessScope[]): Promise<string>;
  close(): Promise<void>;
}

/** Starts the real `AppModule` against real PostgreSQL and the sandbox. Nothing but the clock is replaced. */
export async function startApplication(options: ApplicationOptions = {}): Promise<TestApplication> {
  const clock = options.clock ?? new TestClock();
  const sandbox =
    options.sandbox ?? (await VendorSandbox.start({ providers: new Map(), now: () => clock.now().getTime() }));
  const databaseUrl = options.databaseUrl ?? (await createMigratedDatabase());
  const rootKey = options.rootKey ?? randomBytes(32).toString('base64');
  const restore = setEnvironment({
    NODE_ENV: 'test',
    // The user of most tests has one account, and many tests have many users.
    ACCOUNT_SHARING: 'allow',
    LOG_LEVEL: 'silent',
    DATABASE_URL: databaseUrl,
    ENCRYPTION_ROOT_KEY: rootKey,
    SANDBOX_URL: sandbox.url,
    // Tests call from one address, and about few users.
    RATE_LIMIT_ADDRESS_PER_MINUTE: '0',
    RATE_LIMIT_USER_PER_MINUTE: '0',
    ...options.environment,
  });
  let app: NestFastifyApplication | undefined;
  try {
    const builder = Test.createTestingModule({ imports: [AppModule, ...(options.modules ?? [])] })
      .overrideProvider(Clock)
      .useValue(clock);
    const testingModule = await (options.override?.(builder) ?? builder).compile();
    const routes: Route[] = [];
    const adapter = createAdapter(appConfig());
    adapter.getInstance().addHook('onRoute', ({ method, url }) => {
      routes.push(...[method].flat().map((each) => ({ method: each, path: url })));
    });
    app = testingModule.createNestApplication<NestFastifyApplication>(adapter, {
      bodyParser: false,
    });
    configureApplication(app);
    await app.listen(0, '127.0.0.1');
    for (const { definition } of app.get(ProviderRegistry).list()) {
      if (options.sandbox === undefined) {
        sandbox.add(definition.slug, definition.sandbox, definition.displayName);
      }
    }
    const started = app;
    const url = await started.getUrl();
    const apiKeys = app.get(ApiKeysService);
    const key = options.apiKey ?? (await apiKeys.create('test', accessScopes));
    return {
      app: started,
      sandbox,
      clock,
      databaseUrl,
      rootKey,
      routes,
      api: request.agent(url).set('authorization', `Bearer ${key}`),
      browser: request.agent(url),
      newBrowser: () => request.agent(url),
      createKey: (...scopes) => apiKeys.create('test', scopes),
      close: async () => {
        await started.close();
        if (options.sandbox === undefined) {
          await sandbox.stop();
        }
      },
    };
  } catch (error) {
    await app?.close();
    if (options.sandbox === undefined) {
      await sandbox.stop();
    }
    throw error;
  } finally {
    restore();
  }
}

/** Sets variables for as long as settings are read. Returns what puts the environment back. */
export function setEnvironment(values: Readonly<Record<string, string | undefined>>): () => void {
  const before = { ...process.env };
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) {
      delete process.env[name];
    } else {
      process.env[name] = value;
    }
  }
  return () => {
    for (const name of Object.keys(values)) {
      if (before[name] === undefined) {
        delete process.env[name];
      } else {
        process.env[name] = before[name];
      }
    }
  };
}
