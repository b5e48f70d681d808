import { Logger } from '@nestjs/common';
import { AppError } from '../../errors/app-error.js';
import { ProviderUnavailableError } from '../../errors/provider.errors.js';
import type { PublicJsonClient } from '../../provider-kit/client/public-json-client.js';
import type { FhirServer } from './fhir-servers.js';
import { parseSmartConfiguration, type SmartConfiguration } from './smart-configuration.js';

/** How long one reading may take. */
export const discoveryTimeoutMs = 5_000;
/** How long a document is used before it is read again. */
const lifetimeMs = 60 * 60 * 1_000;
/** How long the last good document is used after a reading that failed. */
const retryAfterMs = 60_000;

/**
 * Reads where a FHIR server has its OAuth endpoints, keeps the response for an hour, and the last good one while the
 * server fails.
 */
export class FhirDiscovery {
  private readonly logger = new Logger(FhirDiscovery.name);
  private known: { readonly configuration: SmartConfiguration; readonly useUntilMs: number } | undefined;
  private reading: Promise<SmartConfiguration> | undefined;

  /** @param nowMs - a clock that only runs forward, in milliseconds */
  constructor(
    private readonly server: FhirServer,
    private readonly client: PublicJsonClient,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /**
   * Returns the server's configuration; callers at the same time share one request.
   *
   * @throws {@link ProviderMisconfiguredError} when there is no such document, or it is refused
   * @throws {@link ProviderRateLimitedError} on HTTP 429
   * @throws {@link ProviderUnavailableError} when the server does not respond; `fate` is `not-sent`, since no token was
   */
  read(): Promise<SmartConfiguration> {
    if (this.known !== undefined && this.nowMs() < this.known.useUntilMs) {
      return Promise.resolve(this.known.configuration);
    }
    this.reading ??= this.readAnew().finally(() => (this.reading = undefined));
    return this.reading;
  }

  private async readAnew(): Promise<SmartConfiguration> {
    const { definition, settings } = this.server;
    const url = `${settings.endpoints.apiBaseUrl?.replace(/\/+$/, '')}/.well-known/smart-configuration`;
    try {
      const document = await this.client.getPublicJson(definition, url, discoveryTimeoutMs);
      return this.keep(parseSmartConfiguration(document, this.server), lifetimeMs);
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      if (this.known === undefined) {
        throw error instanceof ProviderUnavailableError ? notSent(error) : error;
      }
      this.logger.warn(
        `The endpoints of ${definition.slug} could not be read again (${error.code}); the known ones serve on.`,
      );
      return this.keep(this.known.configuration, retryAfterMs);
    }
  }

  private keep(configuration: SmartConfiguration, forMs: number): SmartConfiguration {
    this.known = { configuration, useUntilMs: this.nowMs() + forMs };
    return configuration;
  }
}

/** Discovery comes first, so the request that needs it was not sent. */
function notSent({ message, detail, retryAfterSeconds }: ProviderUnavailableError): ProviderUnavailableError {
  return new ProviderUnavailableError(message, { fate: 'not-sent', detail, retryAfterSeconds });
}
