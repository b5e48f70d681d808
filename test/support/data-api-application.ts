import { sandboxClientId, sandboxClientSecret } from '../../src/provider-kit/definition/provider-settings.js';
import type {
  PreparedResponse,
  RecordedRequest,
  RecordingServer,
} from '../../src/provider-kit/testing/recording-server.js';
import { startRecordingServer } from '../../src/provider-kit/testing/recording-server.js';
import { whoopDefinition } from '../../src/providers/whoop/whoop.definition.js';
import { whoopSandbox } from '../../src/providers/whoop/whoop.sandbox.js';
import { VendorSandbox } from '../../src/sandbox/vendor-sandbox.js';
import { startApplication, type ApplicationOptions, type TestApplication } from './application.js';
import { TestClock } from './test-clock.js';

/** An application whose WHOOP has the sandbox's tokens, and a data API of the test's own on another host. */
export interface DataApiApplication {
  readonly application: TestApplication;
  /** Requests to the data API, and its URL. */
  readonly dataApi: RecordingServer;
  close(): Promise<void>;
}

/** Path of the API's base URL; everything above it is another's. */
export const basePath = '/developer/v2';

/**
 * Starts it.
 *
 * @param response - the response of the data API; called once per request
 */
export async function startWithDataApi(
  response: (request: RecordedRequest) => PreparedResponse | Promise<PreparedResponse>,
  options: ApplicationOptions = {},
): Promise<DataApiApplication> {
  const clock = new TestClock();
  const dataApi = await startRecordingServer(response);
  const sandbox = await VendorSandbox.start({
    providers: new Map([['whoop', whoopSandbox]]),
    now: () => clock.now().getTime(),
  });
  const moved = (url: string): string => `${sandbox.url}/whoop${new URL(url).pathname}`;
  const application = await startApplication({
    clock,
    sandbox,
    ...options,
    environment: {
      WHOOP_CLIENT_ID: sandboxClientId('whoop'),
      WHOOP_CLIENT_SECRET: sandboxClientSecret('whoop'),
      WHOOP_AUTH_URL: moved(whoopDefinition.authorizeUrl),
      WHOOP_TOKEN_URL: moved(whoopDefinition.tokenUrl),
      WHOOP_API_BASE_URL: dataApi.url + basePath,
      WHOOP_ACCOUNT_URL: moved(whoopDefinition.account.from === 'api' ? whoopDefinition.account.url : ''),
      ...options.environment,
    },
  });
  return {
    application,
    dataApi,
    close: async () => {
      await application.close();
      await sandbox.stop();
      await dataApi.close();
    },
  };
}
