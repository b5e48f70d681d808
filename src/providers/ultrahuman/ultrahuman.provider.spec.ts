import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { ultrahumanDefinition } from './ultrahuman.definition.js';

describeProviderContract(ultrahumanDefinition);
