import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { fatsecretDefinition } from './fatsecret.definition.js';

describeProviderContract(fatsecretDefinition);
