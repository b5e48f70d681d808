import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { garminDefinition } from './garmin.definition.js';
import { GarminProvider } from './garmin.provider.js';
import { GarminStrategy } from './garmin.strategy.js';

describeProviderContract(
  garminDefinition,
  (settings, client) => new GarminProvider(settings, new GarminStrategy(settings, client), client),
);
