import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { trainingpeaksDefinition } from './trainingpeaks.definition.js';

describeProviderContract(trainingpeaksDefinition);
