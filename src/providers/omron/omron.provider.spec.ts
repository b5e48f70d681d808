import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { omronDefinition } from './omron.definition.js';
import { OmronProvider } from './omron.provider.js';
import { OmronStrategy } from './omron.strategy.js';

describeProviderContract(
  omronDefinition,
  (settings, client) => new OmronProvider(settings, new OmronStrategy(settings, client), client),
);
