import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../config/read-environment.js';

const schema = z.object({
  AUDIT_HEAD_LOG_SECONDS: z.coerce
    .number('must be a number of seconds.')
    .min(1, 'must be at least 1 second.')
    .max(86_400, 'must be at most 86400 seconds.')
    .default(300),
});

/** Reads how often the head of the audit trail goes to the log. */
export function readAuditConfig(environment: Environment): { headLogMs: number } {
  return { headLogMs: readEnvironment(schema, environment).AUDIT_HEAD_LOG_SECONDS * 1_000 };
}

export const auditConfig = registerAs('audit', () => readAuditConfig(process.env));
export type AuditConfig = ConfigType<typeof auditConfig>;
