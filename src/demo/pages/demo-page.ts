import { html, type Html } from '../../web/html.js';
import { renderPage } from '../../web/page.js';
import type { DemoConnection, DemoEvent, DemoProvider } from '../cufflink-api.js';
import type { DemoResult } from '../demo-result.js';
import { demoUsers, type DemoUser } from '../demo-users.js';
import type { Fake } from '../sandbox-control.js';
import { connectionCard } from './connection-card.js';
import { demoStyle } from './demo-style.js';

/** The content of a user's page. */
export interface DemoView {
  readonly user: DemoUser;
  /** The result of the last press. */
  readonly result: DemoResult | undefined;
  readonly providers: readonly DemoProvider[];
  readonly fakes: ReadonlyMap<string, Fake>;
  readonly connections: readonly DemoConnection[];
  /** The newest first. */
  readonly events: readonly DemoEvent[];
  readonly apiUrl: string;
  readonly sandboxUrl: string;
  readonly nowMs: number;
}

/** The devices of a user, and what happened to them. */
export function demoPage(view: DemoView): string {
  const { user, result, connections, apiUrl, sandboxUrl } = view;
  const content = html`<h1>Devices of ${user}</h1>
    ${result && resultNotice(result)}
    ${
      connections.length === 0
        ? html`<p>No device is connected yet. Press the button, pick a device, and approve at the provider.</p>`
        : connections.map((connection) => connectionCard(connection, view))
    }
    <form method="post" action="/demo/connect"><button type="submit">Connect a device</button></form>
    ${eventList(view)}`;
  const footer = html`<p class="muted">
    The calls of this page are those of any application: <a href="${apiUrl}/docs">API documentation</a>. The providers
    are fake: <a href="${sandboxUrl}/">vendor sandbox</a>. The source is in <code>src/demo</code>.
  </p>`;
  return renderPage({
    title: `Devices of ${user} (Cufflink demo)`,
    header: header(user),
    content,
    footer,
    style: demoStyle,
  });
}

function header(user: DemoUser): Html {
  const others = demoUsers.filter((each) => each !== user);
  return html`<form method="post" action="/demo/user" class="row">
    <span class="grow"><strong>Cufflink demo</strong></span>
    ${others.map((each) => html`<button type="submit" name="user" value="${each}" class="quiet">Be ${each}</button>`)}
  </form>`;
}

function resultNotice({ tone, text, call, facts = [], json }: DemoResult): Html {
  return html`<div class="notice ${tone === 'neutral' ? '' : tone}" role="${tone === 'bad' ? 'alert' : 'status'}">
    <p>${text}</p>
    ${
      (facts.length > 0 || call !== undefined) &&
      html`<dl>
        ${facts.map(
          ([name, value]) =>
            html`<dt>${name}</dt>
              <dd><code>${value}</code></dd>`,
        )}
        ${
          call !== undefined &&
          html`<dt>Call</dt>
            <dd><code>${call}</code></dd>`
        }
      </dl>`
    }
    ${json !== undefined && html`<pre>${json}</pre>`}
  </div>`;
}

function eventList({ events, providers }: DemoView): Html {
  const nameOf = (slug: string | undefined): string =>
    providers.find((provider) => provider.slug === slug)?.name ?? slug ?? '';
  const rows = events.map(
    ({ type, timestamp, data }) =>
      html`<tr>
        <td><time datetime="${timestamp}">${timestamp.slice(11, 19)}</time></td>
        <td><code>${type}</code></td>
        <td>${nameOf(data.provider)}</td>
        <td>${data.reason ?? ''}</td>
      </tr>`,
  );
  return html`<h2>Events</h2>
    <p>What Cufflink has told of this user, the newest first. <a href="/demo">Look again</a></p>
    ${
      events.length === 0
        ? html`<p class="muted">Nothing has happened yet. An event appears within a second after the change.</p>`
        : html`<div class="scroll" tabindex="0" role="region" aria-label="Events">
            <table>
              <thead>
                <tr>
                  <th scope="col">Time (UTC)</th>
                  <th scope="col">Event</th>
                  <th scope="col">Device</th>
                  <th scope="col">Reason</th>
                </tr>
              </thead>
              <tbody>
                ${rows}
              </tbody>
            </table>
          </div>`
    }`;
}
