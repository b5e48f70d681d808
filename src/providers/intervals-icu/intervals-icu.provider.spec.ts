import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { intervalsIcuDefinition } from './intervals-icu.definition.js';

describeProviderContract(intervalsIcuDefinition);
