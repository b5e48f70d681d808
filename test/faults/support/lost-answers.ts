import type { LineFault } from './maker-line.js';

/** Ways of losing an answer that the maker has given. */
export const lostAnswers: readonly LineFault[] = [
  { kind: 'reset-answer', afterBytes: 0 },
  { kind: 'reset-answer', afterBytes: 200 },
  { kind: 'end-answer', afterBytes: 0 },
  { kind: 'end-answer', afterBytes: 200 },
];
