import { Gauge } from 'prom-client';

/** Values sealed under the active key of a purpose; no more than 2^32 are allowed (CR-04). */
export const keyOperations = new Gauge({
  name: 'cufflink_key_operations',
  help: 'Values sealed under the active key of a purpose',
  labelNames: ['purpose'] as const,
});

/** Seconds since the active key of a purpose became active. */
export const keyAges = new Gauge({
  name: 'cufflink_key_age_seconds',
  help: 'Seconds since the active key of a purpose became active',
  labelNames: ['purpose'] as const,
});
