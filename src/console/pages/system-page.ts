import type { Finding } from '../../cli/doctor.js';
import type { StoredKey } from '../../vault/key-store.js';
import { html, type Html } from '../../web/html.js';
import { consolePage, count, instant, numberHead, table } from './console-page.js';

const verdictKinds = { ok: 'good', note: 'warn', off: 'muted', wrong: 'bad' } as const satisfies Record<
  Finding['verdict'],
  string
>;

/** The findings of `doctor`, and the key ring. */
export function systemPage(findings: readonly Finding[], keys: readonly StoredKey[]): string {
  return consolePage({
    title: 'System',
    place: '/console/system',
    content: html`<h2>Findings of doctor</h2>
      <p class="muted">About the process that shows this page, at most a minute old.</p>
      ${table('Findings', ['Verdict', 'About', 'Finding'], findings.map(toFinding), 'There are none.')}
      <h2>Key ring</h2>
      <p class="muted"><code>npm run cli -- keys list</code> also counts the values under each key.</p>
      ${table(
        'Keys',
        ['Purpose', 'Key', 'State', 'Active since', numberHead('Uses')],
        keys.map(toKey),
        'There are no keys.',
      )}`,
  });
}

function toFinding({ verdict, subject, text }: Finding): Html {
  return html`<tr>
    <td><span class="state ${verdictKinds[verdict]}">${verdict}</span></td>
    <th scope="row">${subject}</th>
    <td class="breakable">${text}</td>
  </tr>`;
}

function toKey({ purpose, kid, state, activatedAt, operations }: StoredKey): Html {
  return html`<tr>
    <th scope="row">${purpose}</th>
    <td><code>${kid}</code></td>
    <td>${state}</td>
    <td>${instant(activatedAt)}</td>
    <td class="number">${count(operations)}</td>
  </tr>`;
}
