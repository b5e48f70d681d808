import { describeBootError } from '../config/boot-error.js';
import { isSecretSet, type Environment } from '../config/read-environment.js';
import { readDatabaseConfig } from '../database/database.config.js';
import { scrub } from '../redaction/scrub.js';
import { checkService, countWrong } from './doctor.js';
import { readCatalogue } from './provider-catalogue.js';

/**
 * Finds every setting that fails the start, after a start that failed at the first of them.
 *
 * @param isWorker - a worker starts no links, and does not read their settings
 * @param known - text that was shown already
 * @returns one text for each wrong part that `known` does not show; never a value of a secret
 */
export async function findWrongSettings(environment: Environment, isWorker: boolean, known: string): Promise<string[]> {
  const providers = await readCatalogue({
    ...environment,
    // These are among the service's own settings, and every provider would report them again.
    OUTBOUND_PROXY_URL: undefined,
    OUTBOUND_PRIVATE_HOSTS: undefined,
  });
  const service = checkService(environment).filter(({ subject }) => !isWorker || subject !== 'RETURN_URLS');
  const wrong = [
    ...service.filter((finding) => countWrong([finding]) === 1).map(({ text }) => text),
    ...findWrongDatabase(environment),
    ...providers.flatMap(({ problem }) => problem ?? []),
  ];
  return wrong.map(scrub).filter((text) => !known.includes(text));
}

/** Outside production a start without a database brings its own. */
function findWrongDatabase(environment: Environment): string[] {
  if (environment['NODE_ENV'] !== 'production' && !isSecretSet(environment, 'DATABASE_URL')) {
    return [];
  }
  try {
    readDatabaseConfig(environment);
    return [];
  } catch (error) {
    return [describeBootError(error)];
  }
}
