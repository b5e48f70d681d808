import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { garminOauth1Definition } from './garmin-oauth1.definition.js';
import { GarminOauth1Provider } from './garmin-oauth1.provider.js';
import { GarminOauth1Strategy } from './garmin-oauth1.strategy.js';

describeProviderContract(
  garminOauth1Definition,
  (settings, client) => new GarminOauth1Provider(settings, new GarminOauth1Strategy(settings, client), client),
);
