import { html, type Html } from '../../web/html.js';
import type { FakeDescription } from '../fake-description.js';
import type { FakeResponse } from '../http/fake-response.js';
import { pageResponse } from './page-response.js';

/** Wide tables scroll in their place, and keep words whole. */
const style = '.scroll{overflow-wrap:normal}.scroll code{white-space:nowrap}';

/** Lists the fake providers, with the orders for each. */
export function indexPage(fakes: readonly FakeDescription[], sandboxUrl: string): FakeResponse {
  const title = 'Vendor sandbox';
  const [first] = fakes;
  const content = html`<h1>${title}</h1>
    <p>
      Fake providers for development and tests. Each behaves as its provider documents. Links that you start in Cufflink
      lead to them where no credentials are set.
    </p>
    ${first === undefined ? html`<p>No provider has been added yet.</p>` : [forcing(first, sandboxUrl), list(fakes)]}`;
  return pageResponse({ title, content, style, isWide: true });
}

function forcing({ slug }: FakeDescription, sandboxUrl: string): Html {
  const order = `curl -s ${sandboxUrl}/_control/${slug} -H 'Content-Type: application/json' -d`;
  const examples = [
    [
      'An outage, until you end it',
      `${order} '{"misbehave": {"endpoint": "api", "type": "status", "code": 503}, "times": "forever"}'`,
    ],
    ['Its end', `${order} '{"behave": true}'`],
    ['All access tokens expire', `${order} '{"expireAccessTokens": true}'`],
    ['The person withdraws consent', `${order} '{"revokeGrant": "1001"}'`],
  ] as const;
  return html`<h2>Force something</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Commands">
      <table>
        ${examples.map(
          ([what, command]) =>
            html`<tr>
              <th scope="row">${what}</th>
              <td><code>${command}</code></td>
            </tr>`,
        )}
      </table>
    </div>
    <p>
      The demo of Cufflink has buttons for outages and withdrawn consent. <code>src/sandbox/orders/control.ts</code> has
      every order, and <code>src/sandbox/misbehaviour.ts</code> every way to misbehave.
    </p>`;
}

function list(fakes: readonly FakeDescription[]): Html {
  return html`<h2>Providers</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Providers">
      <table>
        <thead>
          <tr>
            <th scope="col">Provider</th>
            <th scope="col">OAuth</th>
            <th scope="col">Grants</th>
            <th scope="col">Endpoints that can go wrong</th>
            <th scope="col">Notifications that can be sent</th>
          </tr>
        </thead>
        <tbody>
          ${fakes.map(
            ({ displayName, oauth, url, liveGrants, endpoints, misbehaving, notifications }) =>
              html`<tr>
                <th scope="row">${displayName}<br /><code>${url}</code></th>
                <td>${oauth}</td>
                <td>${liveGrants}</td>
                <td>
                  ${endpoints.join(', ')}
                  ${misbehaving.length > 0 && html`<br /><span class="warn">wrong now: ${misbehaving.join(', ')}</span>`}
                </td>
                <td>${notifications.length === 0 ? 'none' : notifications.join(', ')}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}
