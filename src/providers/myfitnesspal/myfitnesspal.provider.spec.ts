import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { myfitnesspalDefinition } from './myfitnesspal.definition.js';

describeProviderContract(myfitnesspalDefinition);
