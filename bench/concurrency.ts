/**
 * Runs a task for each item, some at once.
 *
 * @param concurrency - how many at once
 * @throws what the first failing task throws, once all that had begun are over
 */
export async function forEachConcurrently<Item>(
  items: readonly Item[],
  concurrency: number,
  task: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (const item of rest) {
      await task(item);
    }
  };
  const results = await Promise.allSettled(Array.from({ length: concurrency }, work));
  for (const result of results) {
    if (result.status === 'rejected') {
      throw result.reason;
    }
  }
}
