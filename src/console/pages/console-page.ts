import type { ReadResult } from '../../database/read-replica.js';
import { html, type Html, type HtmlContent } from '../../web/html.js';
import { renderPage } from '../../web/page.js';
import { pageHeaders } from '../../web/page-headers.js';

/** Styles of the console, after those of every page. */
const style = [
  'nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem .75rem;padding:0;margin:0}',
  'nav a{display:inline-block;padding:.5rem .25rem}',
  'nav a[aria-current]{color:inherit;font-weight:700;text-decoration:none;border-bottom:3px solid var(--accent)}',
  'body.wide>header{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;align-items:center;justify-content:space-between}',
  '.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.75rem;margin:0}',
  '.figures div{background:var(--surface);border:1px solid var(--line);border-radius:.75rem;padding:.75rem 1rem}',
  '.figures dt{color:var(--muted);font-size:.9rem}.figures dd{margin:0;font-size:1.5rem;font-weight:600}',
  'table{font-size:.95rem}th{font-weight:600}td.number,th.number{text-align:end;font-variant-numeric:tabular-nums}',
  'tbody th{font-weight:600}caption{text-align:start;color:var(--muted);padding:.25rem 0}',
  'th,td{overflow-wrap:normal}thead th{white-space:nowrap}.breakable{overflow-wrap:anywhere;min-width:9rem}',
  'form.filters>div{min-width:0;max-width:100%}form.filters{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:end}form.filters label{margin:0 0 .25rem}',
  'form.inline{display:inline}form.inline button{min-height:2rem;padding:.2rem .6rem}',
  'svg.chart{width:100%;height:auto;display:block}svg.chart text{fill:var(--muted);font:12px system-ui,sans-serif}',
  '.grid{stroke:var(--line)}.series{fill:none;stroke-width:2}.series.good{stroke:var(--good)}',
  '.series.bad{stroke:var(--bad);stroke-dasharray:6 3}.bar{fill:var(--accent)}',
  '.key{display:inline-block;width:1.75rem;border-top:3px solid;vertical-align:middle}.key.bad{border-top-style:dashed}',
  '.state{white-space:nowrap}#live label{margin:0 0 .75rem}#live input{min-height:0;vertical-align:middle}',
].join('\n');

/** The path of the script, see `console-script.ts`. */
export const scriptPath = '/console/console.js';

/** Headers of every page of the console: one script of ours, which asks this service only. */
export const consoleHeaders = pageHeaders({
  style,
  keepsForms: true,
  directives: [`script-src 'self'`, `connect-src 'self'`],
});

const places = [
  ['/console', 'Overview'],
  ['/console/connections', 'Connections'],
  ['/console/refreshes', 'Refreshes'],
  ['/console/webhooks', 'Webhooks'],
  ['/console/system', 'System'],
] as const;

/** A page for an operator who has signed in. */
export interface ConsolePage {
  readonly title: string;
  /** The path of its entry in the navigation. */
  readonly place: (typeof places)[number][0] | undefined;
  readonly content: HtmlContent;
  /** Whether the script keeps parts of it up to date. */
  readonly isLive?: boolean;
}

export function consolePage({ title, place, content, isLive = false }: ConsolePage): string {
  const entries = places.map(([path, name]) => {
    return path === place
      ? html`<li><a href="${path}" aria-current="page">${name}</a></li>`
      : html`<li><a href="${path}">${name}</a></li>`;
  });
  const header = html`<nav aria-label="Console">
      <ul>
        ${entries}
      </ul>
    </nav>
    <div class="row">
      <form action="/console/users" class="row" role="search">
        <input name="user_id" aria-label="User id" placeholder="User id" required maxlength="255" size="16" />
        <button class="quiet">Find user</button>
      </form>
      <form method="post" action="/console/sign-out"><button class="quiet">Sign out</button></form>
    </div>`;
  const live = html`<div id="live" hidden>
    <label><input type="checkbox" checked /> Refresh every 30 seconds</label>
  </div>`;
  return renderPage({
    title: `${title} · Cufflink console`,
    header,
    content: html`<h1>${title}</h1>
      ${isLive && live} ${content}`,
    style,
    isWide: true,
    ...(isLive ? { script: scriptPath } : {}),
  });
}

/** The page on which an operator signs in. */
export function signInPage(problem?: string): string {
  return renderPage({
    title: 'Sign in · Cufflink console',
    content: html`<h1>Cufflink console</h1>
      ${problem !== undefined && html`<p class="notice bad" role="alert">${problem}</p>`}
      <form method="post" action="/console/sign-in" class="card">
        <label for="api_key">API key with the scope <code>console</code></label>
        <div class="row">
          <input
            class="grow"
            id="api_key"
            name="api_key"
            type="password"
            required
            maxlength="200"
            autocomplete="current-password"
            autofocus
          />
          <button>Sign in</button>
        </div>
        <p class="muted">
          You are signed in for one hour. The key is exchanged for a session and not kept in the browser.
        </p>
      </form>`,
    style,
  });
}

/** A page that says why there is nothing to show. */
export function problemPage(message: string): string {
  return consolePage({
    title: 'Not possible',
    place: undefined,
    content: html`<p class="notice bad" role="alert">${message}</p>`,
  });
}

/** A table that scrolls by itself on a narrow screen. */
export function table(name: string, heads: readonly (string | Html)[], rows: readonly Html[], empty: string): Html {
  if (rows.length === 0) {
    return html`<p class="muted">${empty}</p>`;
  }
  return html`<div class="scroll" role="region" aria-label="${name}" tabindex="0">
    <table>
      <thead>
        <tr>
          ${heads.map((head) => (typeof head === 'string' ? html`<th scope="col">${head}</th>` : head))}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** The head of a column of numbers. */
export function numberHead(text: string): Html {
  return html`<th scope="col" class="number">${text}</th>`;
}

/** One choice of a list, chosen or not. */
export function option(value: string, name: string, chosen: string | undefined): Html {
  return value === chosen
    ? html`<option value="${value}" selected>${name}</option>`
    : html`<option value="${value}">${name}</option>`;
}

/** An instant for people, to the second, in UTC. */
export function instant(at: Date | null | undefined): Html {
  if (at === null || at === undefined) {
    return html`<span class="muted">never</span>`;
  }
  const iso = at.toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')}</time>`;
}

/** Says how old the rows of a page are, if they come from a read replica. */
export function ageNotice({ asOf, isFromReplica }: Omit<ReadResult<unknown>, 'result'>): Html | false {
  return isFromReplica && html`<p class="muted">From a read replica, as of ${instant(asOf)} UTC.</p>`;
}

/** A number with separators. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** A link to the connections of a user. */
export function userLink(userId: string): Html {
  return html`<a href="/console/users?user_id=${encodeURIComponent(userId)}">${userId}</a>`;
}

/** A link to one connection and its history. */
export function connectionLink(userId: string, provider: string): Html {
  const query = new URLSearchParams({ user_id: userId, provider }).toString();
  return html`<a href="/console/connection?${query}">${provider}</a>`;
}

/** The state of a connection, in a color and in words. */
export function stateOf(status: string, reason: string | null): Html {
  const kind = status === 'needs_relink' ? 'bad' : reason === null ? 'good' : 'warn';
  return html`<span class="state ${kind}">${status === 'needs_relink' ? 'needs relink' : status}</span>
    ${reason !== null && html`<br /><code>${reason}</code>`}`;
}
