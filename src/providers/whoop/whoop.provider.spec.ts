import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { whoopDefinition } from './whoop.definition.js';
import { WhoopProvider } from './whoop.provider.js';
import { WhoopStrategy } from './whoop.strategy.js';

describeProviderContract(
  whoopDefinition,
  (settings, client) => new WhoopProvider(settings, new WhoopStrategy(settings, client), client),
);
