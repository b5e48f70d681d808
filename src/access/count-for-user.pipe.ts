import { Injectable, type PipeTransform } from '@nestjs/common';
import { RateLimits } from './rate-limits.js';

/**
 * Counts a change for the user whom a parameter names, as `@Param(CountForUser) path: UserPath`.
 *
 * Pipes run after the guards, and those of a parameter after the validation. So the caller may act for this user
 * (AR-26). Calls that end or erase something do not use it, so that no other calls can block them.
 */
@Injectable()
export class CountForUser implements PipeTransform {
  constructor(private readonly limits: RateLimits) {}

  /** @throws {@link RateLimitedError} when this change of the user is one too many */
  async transform<Value extends { readonly user_id: string }>(value: Value): Promise<Value> {
    await this.limits.countChange(value.user_id);
    return value;
  }
}
