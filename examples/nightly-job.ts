/**
 * A job that reads yesterday's data of every connection. Its key needs the scopes `fleet:read` and `tokens:sign`.
 *
 * It ends with status 1 if a call failed for another reason than its user's, so that the scheduler tells somebody.
 */
import { Cufflink, CufflinkError, type Connection } from '@cufflink/client';

const { CUFFLINK_URL = 'http://localhost:3000', CUFFLINK_API_KEY = '' } = process.env;

// A job has time: it waits longer than a web page would.
const cufflink = new Cufflink({
  baseUrl: CUFFLINK_URL,
  apiKey: CUFFLINK_API_KEY,
  retries: 5,
  maxRetryDelayMs: 120_000,
});

/** Where each provider has what we need. */
const paths: Readonly<Record<string, string>> = {
  whoop: '/cycle?limit=1',
  oura: '/usercollection/daily_sleep',
};

const report = { read: 0, relink: [] as string[], skipped: 0, failed: [] as string[] };

for await (const connection of cufflink.connections.list()) {
  await read(connection);
}
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exitCode = report.failed.length === 0 ? 0 : 1;

async function read({ user_id: user, provider, needs_relink: isEnded }: Connection): Promise<void> {
  const name = `${user}/${provider}`;
  const path = paths[provider];
  if (isEnded) {
    report.relink.push(name);
    return;
  }
  if (path === undefined) {
    report.skipped += 1;
    return;
  }
  try {
    const response = await cufflink.proxy(user, provider).fetch(path);
    if (!response.ok) {
      await response.body?.cancel();
      report.failed.push(`${name}: ${provider} responded with ${response.status}`);
      return;
    }
    await store(user, provider, await response.json());
    report.read += 1;
  } catch (error) {
    if (CufflinkError.is(error, 'TOKEN_REVOKED', 'CONNECTION_NOT_FOUND')) {
      // The user has ended it since the list was read. Asking again tomorrow does not help: the user must act.
      report.relink.push(name);
    } else if (CufflinkError.is(error)) {
      // One connection in trouble must not stop the others. `act` says who can help.
      report.failed.push(`${name}: ${error.code}, ${error.act} must act, request ${error.requestId ?? 'unknown'}`);
    } else {
      throw error;
    }
  }
}

/** In place of your own storage. */
async function store(user: string, provider: string, data: unknown): Promise<void> {
  await Promise.resolve([user, provider, data]);
}
