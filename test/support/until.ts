import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 10;

/**
 * Waits until the condition holds.
 *
 * @param what - the condition in words, for the error
 * @param limitMs - the default is no measure of anything: machines that run tests stand still for seconds now and then
 * @throws Error when it does not hold within `limitMs`
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 90_000,
): Promise<void> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    // A look that was held up itself is not the last one.
    const isLast = performance.now() > giveUpAt;
    if (await condition()) {
      return;
    }
    if (isLast) {
      throw new Error(`It did not come about within ${limitMs} ms that ${what}.`);
    }
    await sleep(pollMs);
  }
}
