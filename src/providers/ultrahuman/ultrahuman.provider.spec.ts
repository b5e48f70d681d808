import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { ultrahumanDefinition } from './ultrahuman.definition.js';
import { UltrahumanProvider } from './ultrahuman.provider.js';
import { UltrahumanStrategy } from './ultrahuman.strategy.js';

describeProviderContract(
  ultrahumanDefinition,
  (settings, client) => new UltrahumanProvider(settings, new UltrahumanStrategy(settings, client), client),
);
