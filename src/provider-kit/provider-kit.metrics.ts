import { Counter } from 'prom-client';

/** Callbacks with an issuer (RFC 9207) of a provider whose issuer nobody has declared, so that it was not checked. */
export const uncheckedIssuers = new Counter({
  name: 'cufflink_unchecked_issuers_total',
  help: 'Callbacks whose issuer was not checked, because the provider declares none',
  labelNames: ['provider'] as const,
});
