import type { NetworkFault } from './faulty-network.js';

/** Ways of losing a response that the provider has given. */
export const lostResponses: readonly NetworkFault[] = [
  { kind: 'reset-response', afterBytes: 0 },
  { kind: 'reset-response', afterBytes: 200 },
  { kind: 'end-response', afterBytes: 0 },
  { kind: 'end-response', afterBytes: 200 },
];
