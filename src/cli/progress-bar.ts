/** The output of the progress bar; standard error in the command line. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const barWidth = 30;
/** Interval between the lines of a log. */
const lineIntervalMs = 5_000;

/** Shows the progress of a command: one changing line on a terminal, a line at intervals elsewhere. */
export class ProgressBar {
  private writtenAtMs = -Infinity;

  /** @param nowMs - a monotonic clock */
  constructor(
    private readonly output: ProgressOutput,
    private readonly nowMs: () => number,
  ) {}

  /**
   * @param done - part of `total`; more than all counts as all
   * @param text - the current step, on one line
   */
  show(done: number, total: number, text: string): void {
    const share = total === 0 ? 1 : Math.min(1, done / total);
    const percent = `${Math.floor(share * 100)} %`.padStart(5);
    if (this.output.isTTY === true) {
      const full = Math.floor(share * barWidth);
      this.output.write(`\r[${'#'.repeat(full)}${'-'.repeat(barWidth - full)}] ${percent}  ${text}\u001b[K`);
      this.writtenAtMs = this.nowMs();
    } else if (this.nowMs() - this.writtenAtMs >= lineIntervalMs) {
      this.output.write(`${percent}  ${text}\n`);
      this.writtenAtMs = this.nowMs();
    }
  }

  /** Ends the line that changes. */
  end(): void {
    if (this.output.isTTY === true && this.writtenAtMs > -Infinity) {
      this.output.write('\n');
    }
  }
}
