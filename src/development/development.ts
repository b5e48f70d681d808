import { mkdirSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ApiKeysService } from '../access/api-keys.service.js';
import { accessScopes } from '../access/scopes.js';
import { readAppConfig } from '../config/app.config.js';
import { readEnvironment } from '../config/read-environment.js';
import { ApiKeyInvalidError } from '../errors/request.errors.js';
import { DemoPlace } from '../demo/demo-place.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { VendorSandbox } from '../sandbox/vendor-sandbox.js';
import { completeDevelopmentEnvironment, developmentDirectory as directory } from './development-environment.js';
import { takeExclusiveLock } from './exclusive-lock.js';

/** The content of the file from which scripts learn the address and key of the running service. */
interface DevelopmentCredentials {
  readonly api_url: string;
  readonly api_key: string;
  readonly sandbox_url: string;
}

const schema = z.object({
  SANDBOX_PORT: z.coerce.number('must be a port number.').int().min(0).max(65_535).default(3001),
  /** A running sandbox; if it is set, none is started here. */
  SANDBOX_URL: z.url({ protocol: /^http$/, error: 'must be the URL of a running vendor sandbox.' }).optional(),
});

const credentialsFile = join(directory, 'dev-credentials.json');
const lockFile = join(directory, 'start.lock');
const grantsDirectory = join(directory, 'sandbox');

/**
 * Runs the API with everything that a newcomer needs: database, vendor sandbox, credentials, and a first command.
 */
export async function startDevelopment(): Promise<void> {
  const started: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const stopOne of started.splice(0).reverse()) {
      await stopOne();
    }
  };
  try {
    await startParts(started);
  } catch (error) {
    await stop();
    throw error;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.removeAllListeners(signal);
    process.once(signal, () => void stop().then(() => process.exit(0)));
  }
}

/** @param started - receives a function that stops each part, as soon as it runs */
async function startParts(started: (() => Promise<void>)[]): Promise<void> {
  const log = (line: string): void => void process.stdout.write(`${line}\n`);
  // Before anything runs, so that a wrong setting does not leave a database behind.
  readAppConfig(process.env);
  const { SANDBOX_PORT: sandboxPort, SANDBOX_URL: givenSandboxUrl } = readEnvironment(schema, process.env);
  started.push(await takeFolder());
  const postgres = await completeDevelopmentEnvironment(process.env, log);
  started.push(async () => postgres?.stop());
  const sandbox = givenSandboxUrl === undefined ? await startSandbox(sandboxPort, log) : undefined;
  started.push(async () => sandbox?.stop());
  const sandboxUrl = sandbox?.url ?? String(givenSandboxUrl);
  process.env['SANDBOX_URL'] = sandboxUrl;
  const { serve } = await import('../serve.js');
  const { DevelopmentModule } = await import('../development.module.js');
  const app = await serve(DevelopmentModule);
  started.push(() => app.close());
  for (const { definition } of app.get(ProviderRegistry).list()) {
    sandbox?.add(definition.slug, definition.sandbox, definition.displayName);
  }
  const credentials: DevelopmentCredentials = {
    api_url: (await app.getUrl()).replace(/0\.0\.0\.0|\[::\]|127\.0\.0\.1|\[::1\]/, 'localhost'),
    api_key: await ensureApiKey(app.get(ApiKeysService)),
    sandbox_url: sandboxUrl,
  };
  await writeFile(credentialsFile, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
  await chmod(credentialsFile, 0o600);
  app
    .get(DemoPlace)
    .open({ apiUrl: credentials.api_url, apiKey: credentials.api_key, sandboxUrl: credentials.sandbox_url });
  log(banner(credentials));
}

/**
 * Takes the folder for this process, because its credentials and the sandbox's grants belong to one start at a time.
 *
 * @returns a function that releases it
 */
async function takeFolder(): Promise<() => Promise<void>> {
  mkdirSync(directory, { recursive: true });
  const release = await takeExclusiveLock(lockFile, 0);
  if (release === undefined) {
    const { api_url: url } = await readCredentials().catch(() => ({ api_url: undefined }));
    throw new Error(
      `Cufflink already runs in this folder${url === undefined ? '' : `, at ${url}`}. Use it, or stop it first. ` +
        'To run a second one beside it, start it in another folder with other values of PORT and SANDBOX_PORT.',
    );
  }
  return async () => release();
}

/** Prefers one port, so that URLs in a browser stay the same. Takes a free one if that port is in use. */
async function startSandbox(port: number, log: (line: string) => void): Promise<VendorSandbox> {
  mkdirSync(grantsDirectory, { recursive: true, mode: 0o700 });
  const options = { providers: new Map(), memory: { directory: grantsDirectory, report: log } };
  try {
    return await VendorSandbox.start({ ...options, port });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) {
      throw error;
    }
    return VendorSandbox.start(options);
  }
}

/** Keeps the key of an earlier start as long as this database knows it. */
async function ensureApiKey(apiKeys: ApiKeysService): Promise<string> {
  try {
    const { api_key: key } = await readCredentials();
    await apiKeys.authenticate(key);
    return key;
  } catch (error) {
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!absent && !(error instanceof ApiKeyInvalidError) && !(error instanceof SyntaxError)) {
      throw error;
    }
    return apiKeys.create('development', accessScopes);
  }
}

async function readCredentials(): Promise<DevelopmentCredentials> {
  return JSON.parse(await readFile(credentialsFile, 'utf8')) as DevelopmentCredentials;
}

function banner({ api_url: apiUrl, sandbox_url: sandboxUrl }: DevelopmentCredentials): string {
  return `
Cufflink is running (development). Open the demo in a browser to make the first link:
  Demo              ${apiUrl}/demo
  API               ${apiUrl}   (documentation: ${apiUrl}/docs)
  Vendor sandbox    ${sandboxUrl}   (fake providers; used where no credentials are set)
  Credentials       ${credentialsFile}

Start a link, then open its link_web_url in a browser:

  curl -s -X POST ${apiUrl}/v1/users/user-1/connections/whoop/link \\
    -H "Authorization: Bearer $(node -p 'require("./.cufflink/dev-credentials.json").api_key')"
`;
}
