import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ApiKeysService } from '../access/api-keys.service.js';
import { accessScopes } from '../access/scopes.js';
import { ApiKeyInvalidError } from '../errors/request.errors.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { VendorSandbox } from '../sandbox/vendor-sandbox.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres.js';

/** What a newcomer's scripts read to find the running service. */
interface DevelopmentCredentials {
  readonly api_url: string;
  readonly api_key: string;
  readonly sandbox_url: string;
}

const directory = resolve('.cufflink');
const credentialsFile = join(directory, 'dev-credentials.json');

/**
 * Gives the process what development needs and the environment does not name: a root key and a database, both kept in
 * `.cufflink/`. Called by the service and by the command line alike, so that both see the same data.
 *
 * @param environment - the process's own; completed in place
 * @returns the database that was started or found, if one was needed
 */
export async function completeDevelopmentEnvironment(
  environment: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<EmbeddedPostgres | undefined> {
  mkdirSync(directory, { recursive: true });
  if (!environment['ENCRYPTION_ROOT_KEY'] && !environment['ENCRYPTION_ROOT_KEY_FILE']) {
    environment['ENCRYPTION_ROOT_KEY_FILE'] = await ensureRootKeyFile();
  }
  if (environment['DATABASE_URL']) {
    return undefined;
  }
  const postgres = await startEmbeddedPostgres({ directory, log });
  environment['DATABASE_URL'] = postgres.url;
  return postgres;
}

/** Runs the API with everything a newcomer needs beside it: database, vendor sandbox, credentials, and a first command. */
export async function startDevelopment(): Promise<void> {
  const log = (line: string): void => void process.stdout.write(`${line}\n`);
  const postgres = await completeDevelopmentEnvironment(process.env, log);
  const sandbox = await startSandbox(Number(process.env['SANDBOX_PORT'] ?? 3001));
  process.env['SANDBOX_URL'] = sandbox.url;
  const { serve } = await import('../serve.js');
  const app = await serve().catch(async (error: unknown) => {
    await sandbox.stop();
    await postgres?.stop();
    throw error;
  });
  for (const { definition } of app.get(ProviderRegistry).list()) {
    sandbox.add(definition.slug, definition.sandbox);
  }
  const credentials: DevelopmentCredentials = {
    api_url: (await app.getUrl()).replace(/0\.0\.0\.0|\[::\]|127\.0\.0\.1|\[::1\]/, 'localhost'),
    api_key: await ensureApiKey(app.get(ApiKeysService)),
    sandbox_url: sandbox.url,
  };
  await writeFile(credentialsFile, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
  log(banner(credentials));

  const stop = async (): Promise<void> => {
    await app.close();
    await sandbox.stop();
    await postgres?.stop();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.removeAllListeners(signal);
    process.once(signal, () => void stop());
  }
}

/** Prefers one port, so that URLs in a browser stay the same; takes a free one when somebody else has it. */
async function startSandbox(port: number): Promise<VendorSandbox> {
  try {
    return await VendorSandbox.start({ port, makers: new Map() });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) {
      throw error;
    }
    return VendorSandbox.start({ makers: new Map() });
  }
}

async function ensureRootKeyFile(): Promise<string> {
  const file = join(directory, 'root-key');
  try {
    await writeFile(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
      throw error;
    }
  }
  return file;
}

/** Keeps the key of an earlier start as long as this database knows it. */
async function ensureApiKey(apiKeys: ApiKeysService): Promise<string> {
  try {
    const { api_key: key } = JSON.parse(await readFile(credentialsFile, 'utf8')) as DevelopmentCredentials;
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

function banner({ api_url: apiUrl, sandbox_url: sandboxUrl }: DevelopmentCredentials): string {
  return `
Cufflink is running (development).
  API               ${apiUrl}   (documentation: ${apiUrl}/docs)
  Vendor sandbox    ${sandboxUrl}   (fake device makers; used where no credentials are set)
  Credentials       ${credentialsFile}

Start a link, then open its link_web_url in a browser:

  curl -s -X POST ${apiUrl}/v1/users/user-1/connections/whoop/link \\
    -H "Authorization: Bearer $(node -p 'require("./.cufflink/dev-credentials.json").api_key')"
`;
}
