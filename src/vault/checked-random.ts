import { randomBytes } from 'node:crypto';

/** Where random bytes come from. */
export type RandomSource = (length: number) => Buffer;

/** How many of the last values a new one is compared with. */
const remembered = 1_024;

/**
 * Random bytes that are watched: a value that comes again within the last thousand of 32 bytes means that the generator
 * is broken, and nothing is sealed any more (CR-04). Two values that are equal by chance are not seen in the life of
 * the universe.
 */
export class CheckedRandom {
  private readonly recent = new Set<string>();
  private isBroken = false;

  constructor(private readonly source: RandomSource = randomBytes) {}

  /**
   * Returns 32 random bytes.
   *
   * @throws Error from the first repetition on, until the process is started again
   */
  next(): Buffer {
    const value = this.source(32);
    const text = value.toString('latin1');
    this.isBroken ||= this.recent.has(text);
    if (this.isBroken) {
      throw new Error(
        'The random generator returned the same bytes twice. Nothing is encrypted until the process is restarted.',
      );
    }
    this.recent.add(text);
    if (this.recent.size > remembered) {
      const [oldest = ''] = this.recent;
      this.recent.delete(oldest);
    }
    return value;
  }
}
