import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { whoopDefinition } from './whoop.definition.js';

describeProviderContract(whoopDefinition);
