import { html } from '../../web/html.js';
import { renderPage } from '../../web/page.js';
import { demoUsers } from '../demo-users.js';
import { demoStyle } from './demo-style.js';

/** Asks which user the browser is for. */
export function entrancePage(): string {
  const content = html`<h1>Cufflink demo</h1>
    <p>
      This is a small application whose users connect health devices. It runs in development only. It calls the public
      API of Cufflink, and the providers behind it are fake.
    </p>
    <h2>Who are you?</h2>
    <form method="post" action="/demo/user" class="row">
      ${demoUsers.map((user) => html`<button type="submit" name="user" value="${user}">${user}</button>`)}
    </form>`;
  return renderPage({ title: 'Cufflink demo', content, style: demoStyle });
}
