import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../config/read-environment.js';

/** The form of a caller's address in the log and the audit trail. */
export const addressForms = ['digest', 'prefix', 'plain'] as const;

export type AddressForm = (typeof addressForms)[number];

const schema = z.object({
  CALLER_ADDRESS: z.enum(addressForms, 'must be digest, prefix or plain.').default('digest'),
});

/** Reads how addresses of callers are shown. */
export function readCallerAddressConfig(environment: Environment): { form: AddressForm } {
  return { form: readEnvironment(schema, environment).CALLER_ADDRESS };
}

export const callerAddressConfig = registerAs('caller-address', () => readCallerAddressConfig(process.env));
export type CallerAddressConfig = ConfigType<typeof callerAddressConfig>;
