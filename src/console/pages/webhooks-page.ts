import type { StoredAttempt } from '../../webhooks/attempt-store.js';
import type { WebhookEndpoint } from '../../webhooks/webhook-endpoint.js';
import { html, type Html } from '../../web/html.js';
import { consolePage, instant, table } from './console-page.js';

/** An endpoint and its last failed deliveries, newest first. */
export interface EndpointRow {
  readonly endpoint: WebhookEndpoint;
  readonly failed: readonly StoredAttempt[];
}

/**
 * The webhook endpoints and the deliveries that failed for good.
 *
 * @param mayResend - whether the operator's key may queue a delivery again
 */
export function webhooksPage(rows: readonly EndpointRow[], mayResend: boolean): string {
  return consolePage({
    title: 'Webhooks',
    place: '/console/webhooks',
    content: html`<h2>Endpoints</h2>
      ${table('Endpoints', ['URL', 'State', 'Events', 'Added'], rows.map(toEndpoint), 'There is no webhook endpoint.')}
      <h2>Failed deliveries</h2>
      ${
        !mayResend &&
        html`<p class="muted">
          To resend deliveries, sign in with a key that also has the scope <code>webhooks:write</code>.
        </p>`
      }
      ${table(
        'Failed deliveries',
        ['At', 'Endpoint', 'Event', 'Response', ...(mayResend ? ['Resend'] : [])],
        rows.flatMap(({ endpoint, failed }) => failed.map((attempt) => toAttempt(endpoint, attempt, mayResend))),
        'No delivery has failed for good.',
      )}`,
  });
}

/** The result of a resend. */
export function resentPage(eventId: string): string {
  return consolePage({
    title: 'Webhooks',
    place: '/console/webhooks',
    content: html`<p class="notice good" role="status">
        Event <code>${eventId}</code> is queued. A worker delivers it.
      </p>
      <p><a href="/console/webhooks">Back to the webhooks</a></p>`,
  });
}

function toEndpoint({ endpoint }: EndpointRow): Html {
  const { url, status, disabledReason, failingSince, eventTypes, createdAt } = endpoint;
  const failing = failingSince !== null && html`<br />failing since ${instant(failingSince)}`;
  const kind = status === 'disabled' ? 'bad' : failingSince === null ? 'good' : 'warn';
  return html`<tr>
    <th scope="row" class="breakable">${url}</th>
    <td><span class="state ${kind}">${status}${disabledReason !== null && ` (${disabledReason})`}</span>${failing}</td>
    <td>${eventTypes.length === 0 ? 'all' : eventTypes.join(', ')}</td>
    <td>${instant(createdAt)}</td>
  </tr>`;
}

function toAttempt({ id, url }: WebhookEndpoint, attempt: StoredAttempt, mayResend: boolean): Html {
  const { attemptedAt, eventId, eventType, httpStatus, errorCode } = attempt;
  return html`<tr>
    <td>${instant(attemptedAt)}</td>
    <td class="breakable">${new URL(url).host}</td>
    <td>${eventType}<br /><code>${eventId}</code></td>
    <td>${httpStatus ?? errorCode ?? 'none'}</td>
    ${
      mayResend &&
      html`<td>
        <form class="inline" method="post" action="/console/webhooks/resend">
          <input type="hidden" name="endpoint_id" value="${id}" />
          <input type="hidden" name="event_id" value="${eventId}" />
          <button class="quiet" aria-label="Resend event ${eventId}">Resend</button>
        </form>
      </td>`
    }
  </tr>`;
}
