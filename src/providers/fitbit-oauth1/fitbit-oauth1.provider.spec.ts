import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { fitbitOauth1Definition } from './fitbit-oauth1.definition.js';
import { FitbitOauth1Provider } from './fitbit-oauth1.provider.js';
import { FitbitOauth1Strategy } from './fitbit-oauth1.strategy.js';

describeProviderContract(
  fitbitOauth1Definition,
  (settings, client) => new FitbitOauth1Provider(settings, new FitbitOauth1Strategy(settings, client), client),
);
