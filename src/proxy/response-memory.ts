import { Injectable } from '@nestjs/common';
import { RateLimitedError } from '../errors/request.errors.js';
import { maxApiResponseBytes } from '../provider-kit/data-api/api-request.js';

/** Memory that a call takes beside its response, such as its request body. */
const leastBytes = 64 * 1024;

/**
 * Bounds the memory of the responses of calls in this process. Each is held whole until its caller has read it. So slow
 * readers must have a limit (NET-04).
 */
@Injectable()
export class ResponseMemory {
  /** The most memory of all responses: enough for the simultaneous calls to four providers' hosts. */
  protected readonly maxBytes: number = 64 * maxApiResponseBytes;
  /** Time limit for reading a response, in milliseconds. */
  readonly readWithinMs: number = 30_000;
  #bytes = 0;

  /** The memory in use and reserved now. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Opens the reservation of one call. It takes no memory yet.
   *
   * @throws {@link RateLimitedError} when there is no room for another response
   */
  open(): ResponseReservation {
    this.refuseBeyond(maxApiResponseBytes);
    return new ResponseReservation((from, to) => {
      if (to > from) {
        this.refuseBeyond(to - from);
      }
      this.#bytes += to - from;
    });
  }

  private refuseBeyond(bytes: number): void {
    if (this.#bytes + bytes > this.maxBytes) {
      throw new RateLimitedError(1, 'Too many provider responses are in transit or not read yet.');
    }
  }
}

/** The memory of one call's response. The attempts of a call share it. */
export class ResponseReservation {
  #bytes = 0;

  /** @param resize - throws when there is no room for more */
  constructor(private readonly resize: (from: number, to: number) => void) {}

  /**
   * Takes room for the largest response, right before the call leaves.
   *
   * @throws {@link RateLimitedError} when there is none
   */
  reserve(): void {
    this.change(maxApiResponseBytes);
  }

  /** Releases the memory that an arrived response does not need. */
  shrinkTo(bytes: number): void {
    this.change(Math.min(Math.max(bytes, leastBytes), this.#bytes));
  }

  /** Releases all of it. */
  leave(): void {
    this.change(0);
  }

  private change(bytes: number): void {
    this.resize(this.#bytes, bytes);
    this.#bytes = bytes;
  }
}
