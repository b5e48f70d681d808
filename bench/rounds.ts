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
 * Measures all sides in turn, each round in the other order, after one round that does not count.
 *
 * @param rounds - that count; at least 1
 * @returns the rates of each round, in the order of the sides
 */
export async function measureInTurn(rounds: number, sides: readonly Measure[]): Promise<number[][]> {
  const measured: number[][] = [];
  for (let round = -1; round < rounds; round += 1) {
    const rates: number[] = [];
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      rates[sides.indexOf(side)] = await side();
    }
    measured.push(rates);
  }
  return measured.slice(1);
}

/** Returns the rounds of the first side against another one. */
export function againstSide(rates: readonly number[][], side: number): Round[] {
  return rates.map((round) => ({ ours: round[0] ?? NaN, reference: round[side] ?? NaN }));
}

/** Measures two sides in turn, as {@link measureInTurn} does. */
export async function compare(
  name: string,
  unit: string,
  rounds: number,
  measureOurs: Measure,
  measureReference: Measure,
): Promise<Comparison> {
  const rates = await measureInTurn(rounds, [measureOurs, measureReference]);
  return summarize(name, unit, againstSide(rates, 1));
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
