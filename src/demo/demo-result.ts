import { ApiRefusal } from './cufflink-api.js';

/** The result of a press, shown once on the next page. */
export interface DemoResult {
  readonly tone: 'good' | 'bad' | 'neutral';
  readonly text: string;
  /** The call of Cufflink's API behind it. */
  readonly call?: string;
  /** Names with values. */
  readonly facts?: readonly (readonly [name: string, value: string])[];
  /** A response, as JSON. */
  readonly json?: string;
}

/** Returns the result for a refusal of Cufflink. */
export function refusalResult({ code, message, line }: ApiRefusal): DemoResult {
  return { tone: 'bad', text: message, call: line, facts: [['Error code', code]] };
}
