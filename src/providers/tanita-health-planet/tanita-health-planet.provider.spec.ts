import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { tanitaHealthPlanetDefinition } from './tanita-health-planet.definition.js';

describeProviderContract(tanitaHealthPlanetDefinition);
