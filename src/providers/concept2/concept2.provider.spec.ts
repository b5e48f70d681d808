import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { concept2Definition } from './concept2.definition.js';

describeProviderContract(concept2Definition);
