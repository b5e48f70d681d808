import { CallUnsupportedError, ProviderNotConfiguredError } from '../errors/provider.errors.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';

/**
 * Returns the base URL of a provider's API, if calls can be made for a caller.
 *
 * @throws {@link CallUnsupportedError} when there is no API to call, or it wants the token in the URL (TE-02)
 * @throws {@link ProviderNotConfiguredError} when calls must be signed, and this deployment has no credentials for that
 */
export function callableBaseUrl({ definition, settings }: HealthProvider): string {
  const { displayName, dataApi } = definition;
  const { apiBaseUrl } = settings.endpoints;
  if (apiBaseUrl === undefined) {
    throw new CallUnsupportedError(`${displayName} has no API to call.`);
  }
  if (dataApi?.tokenParameter !== undefined) {
    throw new CallUnsupportedError(
      `${displayName} accepts the token only in the URL, where Cufflink never puts one. Call the API yourself with the token of GET .../token.`,
    );
  }
  if (definition.oauth === '1.0a' && settings.mode === 'not-configured') {
    throw new ProviderNotConfiguredError(
      `${displayName} is not configured in this deployment. The operator must set its client ID and secret.`,
    );
  }
  return apiBaseUrl;
}
