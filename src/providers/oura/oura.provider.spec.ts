import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { ouraDefinition } from './oura.definition.js';
import { OuraProvider } from './oura.provider.js';
import { OuraStrategy } from './oura.strategy.js';

describeProviderContract(
  ouraDefinition,
  (settings, client) => new OuraProvider(settings, new OuraStrategy(settings, client), client),
);
