import { OAuth1ProviderStrategy } from '../../provider-kit/strategies/oauth1-provider.strategy.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { garminOauth1Definition } from './garmin-oauth1.definition.js';
import { GarminOauth1Provider } from './garmin-oauth1.provider.js';

describeProviderContract(
  garminOauth1Definition,
  (settings, client) =>
    new GarminOauth1Provider(
      garminOauth1Definition,
      settings,
      new OAuth1ProviderStrategy(garminOauth1Definition, settings, client),
      client,
    ),
);
