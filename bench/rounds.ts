import { median } from './statistics.ts';

/** One thing measured against another. */
export interface Comparison {
  readonly name: string;
  /** Unit of both numbers. */
  readonly unit: string;
  readonly ours: number;
  readonly reference: number;
  /** Median of the ratios within each round: a machine that gets slower or faster during the run does not change it. */
  readonly ratio: number;
  readonly rounds: readonly Round[];
}

export interface Round {
  readonly ours: number;
  readonly reference: number;
}

/** Measures one side once; returns how many a second. */
export type Measure = () => Promise<number>;

/**
 * Measures both sides in turn, each round in the other order, after one round that does not count.
 *
 * @param rounds - that count; at least 1
 */
export async function compare(
  name: string,
  unit: string,
  rounds: number,
  measureOurs: Measure,
  measureReference: Measure,
): Promise<Comparison> {
  const measured: Round[] = [];
  for (let round = -1; round < rounds; round += 1) {
    let ours: number;
    let reference: number;
    if (round % 2 === 0) {
      ours = await measureOurs();
      reference = await measureReference();
    } else {
      reference = await measureReference();
      ours = await measureOurs();
    }
    if (round >= 0) {
      measured.push({ ours, reference });
    }
  }
  return summarize(name, unit, measured);
}

/** Returns the medians of rounds measured elsewhere. */
export function summarize(name: string, unit: string, rounds: readonly Round[]): Comparison {
  return {
    name,
    unit,
    ours: median(rounds.map(({ ours }) => ours)),
    reference: median(rounds.map(({ reference }) => reference)),
    ratio: median(rounds.map(({ ours, reference }) => ours / reference)),
    rounds,
  };
}
