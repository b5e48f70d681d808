import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { concept2Definition } from './concept2.definition.js';
import { Concept2Provider } from './concept2.provider.js';
import { Concept2Strategy } from './concept2.strategy.js';

describeProviderContract(
  concept2Definition,
  (settings, client) => new Concept2Provider(settings, new Concept2Strategy(settings, client), client),
);
