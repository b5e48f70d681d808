import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../clock/clock.js';
import { ProviderMisconfiguredError } from '../../errors/provider.errors.js';
import { parseHttpDate } from '../http/http-date.js';
import type { ProviderResponse } from '../http/http-message.js';
import type { OAuth1Definition } from '../definition/provider-definition.js';
import { parseOAuth1Problem } from '../responses/oauth1-response.js';

/**
 * Greatest difference between a provider's clock and ours, in milliseconds. Beyond it one of the two is wrong, and an
 * operator must check.
 */
const maxOffsetMs = 3_600_000;
/**
 * Clock difference above which a refusal without a reason counts as clock skew, in milliseconds. Providers accept some
 * minutes.
 */
const toleranceMs = 60_000;
/** `Date` has no fractions of a second: on average it is half a second behind. */
const dateRoundingMs = 500;

/** A refusal that is, or may be, for the timestamp. */
interface RefusalOfTime {
  /** How far the provider's clock is ahead of ours by its `Date`, in milliseconds. */
  readonly offsetMs: number;
  /** Whether the provider gives the timestamp as the reason. */
  readonly isNamed: boolean;
}

/**
 * The clocks of OAuth 1.0a providers. A provider accepts the timestamp of a signed request only within some minutes of
 * its own time. If it refuses a timestamp, its `Date` tells the difference between its clock and ours, and the request
 * is signed and sent once more (O1-09). A refusal without a reason counts if `Date` is more than a minute from the
 * timestamp.
 *
 * The difference is kept for each provider in memory, and corrects every later request. It is kept only if the second
 * request succeeds, because the `Date` of a gateway need not be the clock that checks timestamps. It is at most an
 * hour.
 */
@Injectable()
export class ProviderClocks {
  private readonly logger = new Logger(ProviderClocks.name);
  /** How far a provider's clock is ahead of ours, in milliseconds, by slug. */
  private readonly offsetsMs = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  /** Returns the current instant by a provider's clock, as far as it is known. */
  now(slug: string): Date {
    return this.instant(this.offsetOf(slug));
  }

  /**
   * Sends a request. Sends it a second time if its timestamp was refused, or may be the cause of a refusal without a
   * reason. A refused request was not carried out, so even a verifier may be in both.
   *
   * @param definition - the provider's facts
   * @param send - signs the request for an instant of the provider's clock, with a nonce of its own each time (O1-03),
   *   and sends it
   * @returns the last response, of any status
   * @throws {@link ProviderMisconfiguredError} when a timestamp is refused and the clocks are more than an hour apart
   * @throws the errors of `send`
   * @see RFC 5849 section 3.3, https://www.rfc-editor.org/rfc/rfc5849#section-3.3
   */
  async send<Response extends ProviderResponse<string | Buffer>>(
    definition: OAuth1Definition,
    send: (now: Date) => Promise<Response>,
  ): Promise<Response> {
    const usedOffsetMs = this.offsetOf(definition.slug);
    const response = await send(this.instant(usedOffsetMs));
    const refusal = this.refusalOfTime(response, usedOffsetMs);
    if (refusal === undefined || !this.isWithinBound(definition, refusal)) {
      return response;
    }
    const repeated = await send(this.instant(refusal.offsetMs));
    if (repeated.status >= 200 && repeated.status < 300) {
      this.learn(definition, refusal.offsetMs);
    }
    return repeated;
  }

  private offsetOf(slug: string): number {
    return this.offsetsMs.get(slug) ?? 0;
  }

  private instant(offsetMs: number): Date {
    return new Date(this.clock.now().getTime() + offsetMs);
  }

  /**
   * Returns the refusal of a timestamp, with the difference of the clocks. A refusal without a reason counts if the
   * request was signed for a time that is far from the provider's. `undefined` for any other response, or without a
   * `Date`.
   */
  private refusalOfTime(response: ProviderResponse<string | Buffer>, usedOffsetMs: number): RefusalOfTime | undefined {
    const { status, headers } = response;
    if (status !== 400 && status !== 401) {
      return undefined;
    }
    const now = this.clock.now();
    const theirsMs = parseHttpDate(headers['date']?.trim() ?? '', now) + dateRoundingMs;
    const offsetMs = theirsMs - now.getTime();
    const body = response.body.toString();
    const problem = parseOAuth1Problem({ headers, body });
    const isNamed = problem === 'timestamp_refused';
    const isSuspected = problem === undefined && Math.abs(offsetMs - usedOffsetMs) > toleranceMs;
    return Number.isFinite(offsetMs) && (isNamed || isSuspected) ? { offsetMs, isNamed } : undefined;
  }

  /**
   * @throws {@link ProviderMisconfiguredError} when it is certainly beyond the bound; the known difference stays
   */
  private isWithinBound({ displayName }: OAuth1Definition, { offsetMs, isNamed }: RefusalOfTime): boolean {
    if (Math.abs(offsetMs) <= maxOffsetMs) {
      return true;
    }
    const seconds = toSeconds(offsetMs);
    if (!isNamed) {
      this.logger.warn(
        `${displayName} rejected a request without a reason, and its clock differs from ours by ${seconds} s.`,
      );
      return false;
    }
    const message = `${displayName} rejects our timestamps: the clocks differ by ${seconds} s. The operator must check the clock of the database.`;
    this.logger.error(message);
    throw new ProviderMisconfiguredError(message, { detail: `clock ${seconds} s apart` });
  }

  private learn({ slug, displayName }: OAuth1Definition, offsetMs: number): void {
    this.logger.warn(
      `${displayName} rejected our timestamp. Its clock differs from ours by ${toSeconds(offsetMs)} s, and requests are now signed by its clock.`,
    );
    this.offsetsMs.set(slug, offsetMs);
  }
}

function toSeconds(offsetMs: number): number {
  return Math.trunc(offsetMs / 1_000);
}
