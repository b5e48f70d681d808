import { Injectable, Logger } from '@nestjs/common';
import type { ProviderDefinition } from '../definition/provider-definition.js';

/** A fault of a token response that is used nevertheless. */
export type Remark = 'no-token-type' | 'lifetime-unreadable' | 'scopes-unreadable' | 'account-unreadable';

const texts: Readonly<Record<Remark, string>> = {
  'no-token-type': 'has no token_type. The token is used as a bearer token.',
  'lifetime-unreadable': 'has an unreadable expires_in. The lifetime of the token is treated as unknown.',
  'scopes-unreadable':
    'has an empty or unreadable scope. The granted scopes are treated as unknown, except after an empty scope of a refresh.',
  'account-unreadable': "has the user's id in a shape that Cufflink cannot read. Please report this as a bug.",
};

/**
 * Logs faults of providers' token responses, each once for each provider. Otherwise a sweep would repeat them for every
 * user.
 */
@Injectable()
export class ResponseRemarks {
  private readonly logger = new Logger(ResponseRemarks.name);
  private readonly logged = new Set<string>();

  /** Every remark so far, as `<slug> <remark>`. */
  get all(): readonly string[] {
    return [...this.logged];
  }

  add({ slug, displayName }: ProviderDefinition, remark: Remark): void {
    const key = `${slug} ${remark}`;
    if (this.logged.has(key)) {
      return;
    }
    this.logged.add(key);
    const text = `The token response of ${displayName} ${texts[remark]}`;
    if (remark === 'account-unreadable') {
      this.logger.error(text);
    } else {
      this.logger.warn(text);
    }
  }
}
