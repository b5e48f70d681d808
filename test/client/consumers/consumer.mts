import { Cufflink, CufflinkError, verifyWebhook, type CufflinkEvent, type Token } from '@cufflink/client';
import { CufflinkModule } from '@cufflink/client/nest';

// Compiled against the packed client, as an ES module and as CommonJS. Each @ts-expect-error is a type test: tsc fails without an error.
const { CUFFLINK_URL = '', CUFFLINK_API_KEY = '' } = process.env;
const cufflink = new Cufflink({ baseUrl: CUFFLINK_URL, apiKey: CUFFLINK_API_KEY });

function textOf(token: Token): string {
  // @ts-expect-error only a token of OAuth 2.0 has this field
  void token.access_token;
  // @ts-expect-error there is no such kind of token
  void (token.token_type === 'mac');
  return token.token_type === 'bearer' ? token.access_token : token.token;
}

function reasonOf(event: CufflinkEvent): string {
  // @ts-expect-error an event of a provider has no user
  void event.data.user_id;
  return event.type === 'connection.needs_relink' ? event.data.reason : '';
}

async function neverCalled(): Promise<void> {
  // @ts-expect-error a link needs a provider
  await cufflink.links.create('user-1');
  // @ts-expect-error there is no such value
  await cufflink.links.create('user-1', 'whoop', { on_account_change: 'keep' });
  // @ts-expect-error the path has two parameters
  await cufflink.api.GET('/v1/users/{user_id}/connections/{provider}', { params: { path: { user_id: 'user-1' } } });
  // @ts-expect-error there is no such call
  await cufflink.api.GET('/v1/nothing');
  // @ts-expect-error there is no such code
  CufflinkError.is(undefined, 'NO_SUCH_CODE');
}
void neverCalled;

async function main(): Promise<void> {
  const { data } = await cufflink.api.GET('/v1/providers');
  const providers: number | undefined = data?.providers.length;
  const connected: string[] = [];
  for await (const { provider, status } of cufflink.connections.list('consumer')) {
    const known: 'active' | 'needs_relink' = status;
    connected.push(`${provider} ${known}`);
  }
  const tokens = [
    await cufflink.tokens.get('consumer', 'whoop'),
    await cufflink.tokens.get('consumer', 'garmin-oauth1'),
  ];
  const response: Response = await cufflink.proxy('consumer', 'whoop').fetch('/activity/sleep?limit=1');
  const generated = await cufflink.api.GET('/v1/users/{user_id}/connections/{provider}/proxy/{path}', {
    params: {
      path: { user_id: 'consumer', provider: 'whoop', path: 'activity/sleep' },
      query: { query: { limit: '1' } },
    },
  });
  let code = '';
  try {
    await cufflink.connections.get('nobody', 'whoop');
  } catch (error) {
    if (CufflinkError.is(error, 'CONNECTION_NOT_FOUND')) {
      const only: 'CONNECTION_NOT_FOUND' = error.code;
      code = only;
    }
  }
  const event = verifyWebhook(process.env['SECRET'] ?? '', process.env['BODY'] ?? '', {
    'webhook-id': process.env['ID'],
    'webhook-timestamp': process.env['TIMESTAMP'],
    'webhook-signature': process.env['SIGNATURE'],
  });
  process.stdout.write(
    JSON.stringify({
      hasProviders: (providers ?? 0) > 20,
      connected,
      types: tokens.map(({ token_type: type }) => type),
      texts: tokens.map((token) => textOf(token).length > 0),
      called: ((await response.json()) as { received: object }).received,
      generated: (generated.data as { received: object }).received,
      code,
      reason: reasonOf(event),
      nest: typeof CufflinkModule.forRoot,
    }),
  );
}

void main();
