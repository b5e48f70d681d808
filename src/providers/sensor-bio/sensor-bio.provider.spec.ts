import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { sensorBioDefinition } from './sensor-bio.definition.js';

describeProviderContract(sensorBioDefinition);
