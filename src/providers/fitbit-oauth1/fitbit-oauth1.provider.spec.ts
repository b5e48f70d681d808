import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { fitbitOauth1Definition } from './fitbit-oauth1.definition.js';

describeProviderContract(fitbitOauth1Definition);
