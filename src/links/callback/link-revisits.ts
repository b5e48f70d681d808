import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Requester } from '../../audit/audit-event.js';
import type { AppError } from '../../errors/app-error.js';
import { AuthorizationStateError } from '../../errors/authorization.errors.js';
import { errorActors, type ErrorCode } from '../../errors/error-code.js';
import type { ConnectedAccount } from '../../tokens/connection-linker.js';
import { TokensService } from '../../tokens/tokens.service.js';
import type { CallbackOutcome } from './callback-outcome.js';
import { LinkRefusalRecorder } from '../link-refusal-recorder.js';
import { LinkStore, type VisitedLink } from '../store/link-store.js';
import { linksConfig, type LinksConfig } from '../links.config.js';
import { isAllowedReturnUrl } from '../return-url.js';

/** Interval at which a later visit checks whether the first one has ended, in milliseconds. */
const pauseMs = 250;

/**
 * Tells a browser that visits a callback again how its link ended. Browsers do so by themselves: they reload,
 * restore tabs, and send a request twice.
 *
 * Nothing is redeemed, and a confirmation code is shown only once. Otherwise anybody with the callback's URL could
 * fetch it.
 */
@Injectable()
export class LinkRevisits {
  constructor(
    private readonly store: LinkStore,
    private readonly refusals: LinkRefusalRecorder,
    private readonly tokens: TokensService,
    @Inject(linksConfig.KEY) private readonly config: LinksConfig,
  ) {}

  /**
   * Returns the outcome of the link with a state, if no open link has it.
   *
   * @param stateHash - of the state in the callback
   * @param unknown - thrown when the state was never issued, or its link is deleted
   * @returns the outcome of the first visit; an error if the link has expired, waits, or belongs to another provider's
   *   callback
   * @throws {@link DatabaseUnavailableError}
   */
  async tell(stateHash: Buffer, requester: Requester, unknown: AppError): Promise<CallbackOutcome> {
    await this.refusals.noteCallback(stateHash, requester);
    return this.tellEnd(() => this.store.findVisited(stateHash), unknown);
  }

  /**
   * The same for a callback that came by a form, visited again at the step where the browser shows its cookie.
   *
   * @throws {@link AuthorizationStateError} when no callback of this link has waited for this handle
   */
  tellResumed(linkId: string, handleHash: Buffer): Promise<CallbackOutcome> {
    const unknown = new AuthorizationStateError('no callback waits for this handle');
    return this.tellEnd(() => this.store.findResumed(linkId, handleHash), unknown);
  }

  private async tellEnd(find: () => Promise<VisitedLink | undefined>, unknown: AppError): Promise<CallbackOutcome> {
    let link = await find();
    while (link?.isInProgress === true && link.returnUrl !== null) {
      // A browser that sends a request twice shows only one of the responses.
      await setTimeout(pauseMs);
      link = await find();
    }
    if (link === undefined) {
      throw unknown;
    }
    const error = new AuthorizationStateError('the link was used, has expired, or is of another provider');
    // The return URL of the row is checked against the list again, because the sealed value that bound it is gone.
    const returnUrl =
      link.returnUrl !== null && isAllowedReturnUrl(link.returnUrl, this.config) ? link.returnUrl : undefined;
    const place = { provider: link.provider, linkId: link.id, returnUrl };
    if (returnUrl === undefined) {
      return { ...place, kind: 'failed', code: error.code, error };
    }
    const connected = link.outcome === 'connected' ? await this.findConnection(link) : undefined;
    return connected === undefined
      ? { ...place, kind: 'failed', code: toErrorCode(link.outcome), error }
      : { ...place, kind: 'connected', ...connected };
  }

  /** The connection may have ended since. */
  private async findConnection({ userId, provider }: VisitedLink): Promise<ConnectedAccount | undefined> {
    const connection = (await this.tokens.list(userId)).find((each) => each.provider === provider);
    return connection === undefined
      ? undefined
      : {
          connectionId: connection.id,
          lacksRefreshToken: this.tokens.stateOf(connection).reason === 'no_refresh_token',
        };
  }
}

/** Returns the error code of the first visit; a common one for links that ended without an error of their own. */
function toErrorCode(outcome: string | null): ErrorCode {
  return outcome !== null && isErrorCode(outcome) ? outcome : 'AUTHORIZATION_STATE_INVALID';
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorActors, text);
}
