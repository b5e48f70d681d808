import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { zeppDefinition } from './zepp.definition.js';

describeProviderContract(zeppDefinition);
