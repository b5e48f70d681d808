import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The connection of a call, for as long as the call is in progress. */
export class CallerConnection {
  readonly #gone = new AbortController();
  readonly #onClose = (): void => this.#gone.abort();

  /** @param socket - not the response: one that waits for an earlier response of its connection gets no `close` */
  constructor(private readonly socket: Socket) {
    // One listener for each call, and calls may be pipelined.
    socket.setMaxListeners(0);
    socket.once('close', this.#onClose);
    if (socket.destroyed) {
      this.#gone.abort();
    }
  }

  /** Aborted when the caller has gone. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /**
   * Waits until a response has left this process, or cannot leave any more. A caller that does not read it in time
   * loses the connection.
   *
   * @param response - to the call, already ended
   * @param withinMs - time limit, in milliseconds
   */
  async written(response: ServerResponse, withinMs: number): Promise<void> {
    if (response.writableFinished) {
      return;
    }
    const timer = setTimeout(() => this.socket.destroy(), withinMs);
    // Fails when the caller has gone, which ends the wait too.
    await once(response, 'finish', { signal: this.gone }).catch(() => undefined);
    clearTimeout(timer);
  }

  /** Call it when the call is over, because the connection may outlive the call. */
  leave(): void {
    this.socket.off('close', this.#onClose);
  }
}
