import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 10;

/**
 * Waits until the condition holds.
 *
 * @param what - the condition in words, for the error
 * @throws Error when it does not hold within `limitMs`
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 20_000,
): Promise<void> {
  const giveUpAt = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) {
      throw new Error(`It did not come about within ${limitMs} ms that ${what}.`);
    }
    await sleep(pollMs);
  }
}
