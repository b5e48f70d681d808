import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { omronDefinition } from './omron.definition.js';

describeProviderContract(omronDefinition);
