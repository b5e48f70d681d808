import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { garminDefinition } from './garmin.definition.js';

describeProviderContract(garminDefinition);
