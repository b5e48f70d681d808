import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { nolioDefinition } from './nolio.definition.js';

describeProviderContract(nolioDefinition);
