import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { medicareBlueButtonDefinition } from './medicare-blue-button.definition.js';

describeProviderContract(medicareBlueButtonDefinition);
