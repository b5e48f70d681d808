import { Injectable } from '@nestjs/common';
import { errorActors, type ErrorCode } from '../errors/error-code.js';
import { LinkSessionsService, type OpenLinkSession } from '../links/sessions/link-sessions.service.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { en, type OutcomeName } from '../web/languages/en.js';
import { outcomeOfError } from '../web/outcomes.js';
import type { Notice } from './pages/choice-page.js';

/** Collects the notices that the page of a session shows once. Nothing in a URL adds to them (AR-28). */
@Injectable()
export class Notices {
  constructor(
    private readonly sessions: LinkSessionsService,
    private readonly registry: ProviderRegistry,
  ) {}

  /**
   * Takes the outcomes of links that this browser started in the session, and of actions on its page.
   *
   * @param secrets - of links, by id, from the browser's cookies
   * @returns the notices, the oldest first, and the links whose cookies are no longer needed
   */
  async take(
    session: OpenLinkSession,
    secrets: ReadonlyMap<string, string>,
  ): Promise<{ readonly notices: Notice[]; readonly endedLinks: string[] }> {
    const ended = await this.sessions.findEnded(session, secrets);
    const stored = await this.sessions.takeNotices(session);
    const outcomes = [
      ...ended.map(({ provider, outcome }) => ({ provider, name: nameOf(outcome) })),
      ...stored.flatMap(({ provider, outcome }) => (isOutcomeName(outcome) ? [{ provider, name: outcome }] : [])),
    ];
    const notices = outcomes
      .filter(({ provider }) => this.registry.has(provider))
      .map(({ provider, name }) => ({ name, provider: this.registry.get(provider).definition.displayName }));
    return { notices, endedLinks: ended.map(({ id }) => id) };
  }
}

/** Returns the words for the stored outcome of a link: `connected`, an error code, or a refusal without a code. */
function nameOf(outcome: string): OutcomeName {
  if (outcome === 'connected') {
    return outcome;
  }
  return isErrorCode(outcome) ? outcomeOfError(outcome) : 'linkEnded';
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorActors, text);
}

function isOutcomeName(text: string): text is OutcomeName {
  return Object.hasOwn(en.outcomes, text);
}
