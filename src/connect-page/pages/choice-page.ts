import { html, type Html } from '../../web/html.js';
import type { OutcomeName, Texts } from '../../web/languages/en.js';
import type { Device } from '../devices.js';
import { deviceMark } from './device-mark.js';

/** The page has a search field if it shows at least this many devices. */
const searchFrom = 9;

/** A message that the page shows once. */
export interface Notice {
  readonly name: OutcomeName;
  readonly provider: string;
}

/** The content of the page with the devices. */
export interface Choice {
  /** Handle of the session that the page acts for. */
  readonly session: string;
  readonly devices: readonly Device[];
  /** The person's search words; empty for all. */
  readonly words: string;
  readonly mayDisconnect: boolean;
  readonly notices: readonly Notice[];
}

/** Returns the page with the user's devices and those that can be connected, as its title and content. */
export function choicePage(texts: Texts, choice: Choice): { readonly title: string; readonly content: Html } {
  const { session, devices, words, notices } = choice;
  const found = devices.filter(({ name }) => foldCase(name).includes(foldCase(words)));
  const own = found.filter(({ state }) => state !== 'new');
  const others = found.filter(({ state }) => state === 'new');
  const last = notices.at(-1);
  const content = html`<h1>${texts.connectDevice}</h1>
    ${notices.map((notice) => noticeOf(texts, notice, notice === last))}
    <p>${texts.choice}</p>
    ${devices.length >= searchFrom && searchForm(texts, session, words)}
    ${devices.length === 0 && html`<p>${texts.noDevices}</p>`}
    ${devices.length > 0 && found.length === 0 && html`<p role="status">${texts.nothingFound(words)}</p>`}
    <form method="post" action="/connect/start">
      <input type="hidden" name="session" value="${session}" />
      ${
        own.length > 0 &&
        html`<h2>${texts.yourDevices}</h2>
          <ul class="devices">
            ${own.map((device) => ownDevice(texts, device, choice))}
          </ul>`
      }
      ${own.length > 0 && others.length > 0 && html`<h2>${texts.moreDevices}</h2>`}
      ${
        others.length > 0 &&
        html`<ul class="devices grid">
          ${others.map((device) => newDevice(texts, device))}
        </ul>`
      }
    </form>`;
  const title = last === undefined ? texts.connectDevice : texts.outcomes[last.name].title(last.provider);
  return { title, content };
}

/** @param isFocused - whether a screen reader begins here */
function noticeOf(texts: Texts, { name, provider }: Notice, isFocused: boolean): Html {
  const { title, reason, advice } = texts.outcomes[name];
  const isGood = name === 'connected' || name.startsWith('disconnected');
  const focus = isFocused && html` tabindex="-1" autofocus`;
  return html`<section class="notice ${isGood ? 'good' : 'bad'}" role="status" ${focus}>
    <h2>${title(provider)}</h2>
    <p>${reason} ${advice}</p>
  </section>`;
}

function searchForm(texts: Texts, session: string, words: string): Html {
  return html`<form method="get" action="/connect" role="search">
    <input type="hidden" name="session" value="${session}" />
    <label for="q">${texts.search}</label>
    <div class="row">
      <input class="grow" type="search" id="q" name="q" value="${words}" maxlength="60" autocomplete="off" />
      <button class="quiet" type="submit">${texts.searchButton}</button>
    </div>
    ${words !== '' && html`<p><a href="/connect?session=${session}">${texts.showAll}</a></p>`}
  </form>`;
}

function ownDevice(texts: Texts, device: Device, { session, mayDisconnect }: Choice): Html {
  const { slug, name, brandColor, state, isOut } = device;
  const stateText =
    state === 'connected'
      ? html`<span class="good"><span aria-hidden="true">✓ </span>${texts.state.connected}</span>`
      : html`<span class="bad">${state === 'ended' ? texts.state.ended : texts.state.needsLink}</span>`;
  const target = `/connect/disconnect?session=${session}&provider=${slug}`;
  return html`<li class="card row">
    ${deviceMark(slug, name, brandColor)}
    <div class="grow"><strong>${name}</strong><br />${stateText}${isOut && outage(texts)}</div>
    ${
      state === 'needsLink' &&
      html`<button type="submit" name="provider" value="${slug}" aria-label="${texts.reconnect}: ${name}">
        ${texts.reconnect}
      </button>`
    }
    ${
      mayDisconnect &&
      html`<a class="button quiet" href="${target}" aria-label="${texts.disconnect}: ${name}">${texts.disconnect}</a>`
    }
  </li>`;
}

function newDevice(texts: Texts, { slug, name, brandColor, isOut }: Device): Html {
  const mark = deviceMark(slug, name, brandColor);
  return html`<li>
    <button class="device" type="submit" name="provider" value="${slug}">
      ${mark}<span>${name}${isOut && outage(texts)}</span>
    </button>
  </li>`;
}

function outage(texts: Texts): Html {
  return html`<small class="warn">${texts.state.outage}</small>`;
}

function foldCase(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}
