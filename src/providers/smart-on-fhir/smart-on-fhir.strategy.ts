import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';

/** Made for each use, because the endpoints are known only then. */
export class SmartOnFhirStrategy extends OAuth2ProviderStrategy {}
