import { Injectable } from '@nestjs/common';
import { RateLimitedError } from '../errors/request.errors.js';
import { maxApiAnswerBytes } from '../provider-kit/data-api/api-request.js';

/** What a call takes beside its answer, such as a request body. */
const leastBytes = 64 * 1024;

/**
 * Bounds the memory of this process that calls' answers take, which are held whole until their callers have read them: callers that do not
 * read cannot have more (NET-04).
 */
@Injectable()
export class ResponseMemory {
  /** The most that all may take; room for as many calls at a time as four providers' hosts are sent. */
  protected readonly maxBytes: number = 64 * maxApiAnswerBytes;
  /** How long a caller may take to read an answer, in milliseconds. */
  readonly readWithinMs: number = 30_000;
  #bytes = 0;

  /** What they take now, those that are still to come at their largest. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Returns the place of one call's answer, which takes nothing yet.
   *
   * @throws {@link RateLimitedError} when there is no room for another answer
   */
  open(): ResponseReservation {
    this.refuseBeyond(maxApiAnswerBytes);
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

/** The room that the answer of one call takes, whichever attempt it comes from. */
export class ResponseReservation {
  #bytes = 0;

  /** @param resize - throws where there is no room for more */
  constructor(private readonly resize: (from: number, to: number) => void) {}

  /**
   * Takes room for the largest answer, right before the call leaves.
   *
   * @throws {@link RateLimitedError} when there is none
   */
  reserve(): void {
    this.change(maxApiAnswerBytes);
  }

  /** Leaves what an answer that has arrived does not need. */
  shrinkTo(bytes: number): void {
    this.change(Math.min(Math.max(bytes, leastBytes), this.#bytes));
  }

  /** Leaves all of it: nothing is held any more. */
  leave(): void {
    this.change(0);
  }

  private change(bytes: number): void {
    this.resize(this.#bytes, bytes);
    this.#bytes = bytes;
  }
}
