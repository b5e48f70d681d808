import { html, type Html } from '../../web/html.js';
import type { Texts } from '../../web/languages/en.js';

/**
 * Returns the page that a link opens. The session begins with the click: programs that follow links do not press
 * buttons (AR-05).
 */
export function openingPage(texts: Texts, token: string): { readonly title: string; readonly content: Html } {
  const content = html`<h1>${texts.connectDevice}</h1>
    <p>${texts.opening}</p>
    <form method="post" action="/connect">
      <input type="hidden" name="link_token" value="${token}" />
      <button type="submit">${texts.continue}</button>
    </form>`;
  return { title: texts.connectDevice, content };
}

/** Returns the page that asks before a device is disconnected. */
export function disconnectPage(
  texts: Texts,
  { session, slug, name }: { readonly session: string; readonly slug: string; readonly name: string },
): { readonly title: string; readonly content: Html } {
  const title = texts.disconnectTitle(name);
  const content = html`<h1>${title}</h1>
    <p>${texts.disconnectText}</p>
    <form method="post" action="/connect/disconnect">
      <input type="hidden" name="session" value="${session}" />
      <input type="hidden" name="provider" value="${slug}" />
      <p class="row">
        <button class="danger" type="submit">${texts.disconnect}</button>
        <a class="button quiet" href="/connect?session=${session}">${texts.keep}</a>
      </p>
    </form>`;
  return { title, content };
}
