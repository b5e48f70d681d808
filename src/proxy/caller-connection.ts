import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The connection that a call came over, for as long as the call is in work. */
export class CallerConnection {
  readonly #gone = new AbortController();
  readonly #onClose = (): void => this.#gone.abort();

  /** @param socket - not the response: one that waits for an earlier response of its connection never sees the end */
  constructor(private readonly socket: Socket) {
    // One for each call, and calls may be pipelined.
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
   * Waits until a response has left this process, or cannot any more. A caller that does not read it in time loses the
   * connection.
   *
   * @param response - the one to the call, already ended
   * @param withinMs - how long it may take, in milliseconds
   */
  async written(response: ServerResponse, withinMs: number): Promise<void> {
    if (response.writableFinished) {
      return;
    }
    const timer = setTimeout(() => this.socket.destroy(), withinMs);
    // Fails when the caller has gone, which is as good an end.
    await once(response, 'finish', { signal: this.gone }).catch(() => undefined);
    clearTimeout(timer);
  }

  /** To be called when the call is over: a connection outlives it. */
  leave(): void {
    this.socket.off('close', this.#onClose);
  }
}
