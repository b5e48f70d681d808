import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { decathlonDefinition } from './decathlon.definition.js';

describeProviderContract(decathlonDefinition);
