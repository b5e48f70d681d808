import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { fatsecretDefinition } from './fatsecret.definition.js';
import { FatsecretProvider } from './fatsecret.provider.js';
import { FatsecretStrategy } from './fatsecret.strategy.js';

describeProviderContract(
  fatsecretDefinition,
  (settings, client) => new FatsecretProvider(settings, new FatsecretStrategy(settings, client), client),
);
