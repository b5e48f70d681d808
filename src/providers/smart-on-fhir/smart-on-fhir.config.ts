import { registerAs } from '@nestjs/config';
import { readFhirServers } from './fhir-servers.js';

export const smartOnFhirConfig = registerAs('providers.smart-on-fhir', () => ({
  servers: readFhirServers(process.env),
}));
