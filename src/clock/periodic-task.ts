/**
 * Repeats a task at an interval for as long as the process runs, one at a time: a run that lasts longer is not joined by another
 * one. The process does not stay alive for it.
 */
export class PeriodicTask {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  /** @param run - what is to be done; never rejects */
  constructor(private readonly run: () => Promise<void>) {}

  /** Begins; the first run is one interval away. */
  start(intervalMs: number): void {
    this.timer = setInterval(() => {
      this.running ??= this.run().finally(() => {
        this.running = undefined;
      });
    }, intervalMs).unref();
  }

  /** Begins no further run, and waits for the one under way. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }
}
