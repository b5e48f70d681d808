import type { NetworkFault } from './faulty-network.js';

/** Ways of losing an answer that the provider has given. */
export const lostResponses: readonly NetworkFault[] = [
  { kind: 'reset-answer', afterBytes: 0 },
  { kind: 'reset-answer', afterBytes: 200 },
  { kind: 'end-answer', afterBytes: 0 },
  { kind: 'end-answer', afterBytes: 200 },
];
