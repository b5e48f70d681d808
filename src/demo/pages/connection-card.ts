import { html, type Html } from '../../web/html.js';
import type { DemoConnection, DemoProvider } from '../cufflink-api.js';
import { lifetimeText } from '../lifetime-text.js';
import type { Fake } from '../sandbox-control.js';

/** The facts that a card needs beside its connection. */
interface Surroundings {
  readonly providers: readonly DemoProvider[];
  readonly fakes: ReadonlyMap<string, Fake>;
  readonly nowMs: number;
}

/** A connection with its state, and a button for each action. */
export function connectionCard(connection: DemoConnection, { providers, fakes, nowMs }: Surroundings): Html {
  const { provider: slug, status, reason, last_error: lastError } = connection;
  const provider = providers.find((each) => each.slug === slug);
  const name = provider?.name ?? slug;
  const fake = provider?.sandbox === true ? fakes.get(slug) : undefined;
  const isActive = status === 'active';
  return html`<section class="card" aria-label="${name}">
    <div class="row">
      <h2 class="grow">${name}</h2>
      <span class="${isActive ? 'good' : 'bad'}">${isActive ? 'connected' : 'needs a new link'}</span>
    </div>
    <dl>
      ${
        isActive &&
        html`<dt>Token lives for</dt>
          <dd>${lifetimeText(connection.expires_at, nowMs)}</dd>`
      }
      ${
        reason !== null &&
        html`<dt>Reason</dt>
          <dd><code>${reason}</code></dd>`
      }
      ${
        lastError !== null &&
        html`<dt>Last error</dt>
          <dd><code>${lastError.code}</code></dd>`
      }
    </dl>
    <div class="row">
      ${button(slug, name, 'token', 'Show token')} ${button(slug, name, 'call', 'Call')}
      ${button(slug, name, 'refresh', 'Refresh')} ${button(slug, name, 'disconnect', 'Disconnect', 'danger')}
    </div>
    ${fake && forcing(fake)}
  </section>`;
}

/** Events that a real provider causes on its own. */
function forcing({ slug, displayName, misbehaving }: Fake): Html {
  const isDown = misbehaving.length > 0;
  return html`<p class="muted">
      At the provider:${isDown && html` <strong class="warn">${displayName} is down, as you ordered.</strong>`}
    </p>
    <div class="row">
      ${button(slug, displayName, 'withdraw', 'Withdraw consent', 'quiet')}
      ${
        isDown
          ? button(slug, displayName, 'recover', 'End the outage', 'quiet')
          : button(slug, displayName, 'outage', 'Start an outage', 'quiet')
      }
    </div>`;
}

/** A form of one button. Its name for screen readers includes the device. */
function button(slug: string, name: string, action: string, text: string, look: 'quiet' | 'danger' | '' = ''): Html {
  return html`<form method="post" action="/demo/connections/${slug}/${action}">
    <button type="submit" class="${look}" aria-label="${text}: ${name}">${text}</button>
  </form>`;
}
