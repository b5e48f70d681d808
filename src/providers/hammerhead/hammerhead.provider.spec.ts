import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { hammerheadDefinition } from './hammerhead.definition.js';

describeProviderContract(hammerheadDefinition);
