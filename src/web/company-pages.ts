import type { IncomingHttpHeaders } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { readableOn, textOn } from './colors.js';
import { companyConfig, type CompanyConfig } from './company.config.js';
import { html, type Html, type HtmlContent } from './html.js';
import type { OutcomeName, Texts } from './languages/en.js';
import { languages } from './languages/languages.js';
import { preferredLanguage } from './negotiation.js';
import { pageHeaders, type PagePermissions } from './page-headers.js';
import { renderPage } from './page.js';

/** Path of the company's logo. */
export const logoPath = '/connect/logo';

/** One outcome, as a page shows it. */
export interface Outcome {
  readonly name: OutcomeName;
  /** Name of the provider, if it is known. */
  readonly provider?: string | undefined;
  /** Where "Back to" leads; the company's own page if absent. */
  readonly returnUrl?: string | undefined;
  /** Finds the log line of a failure. */
  readonly requestId?: string | undefined;
}

/** A page without the company's name, logo and color. */
export interface CompanyPage {
  readonly title: string;
  readonly content: HtmlContent;
  /** Where "Back to" leads; the company's own page if absent. */
  readonly returnUrl?: string | undefined;
  /** Whether going back is the only action on the page. */
  readonly isEnd?: boolean;
  /** The kind's own style, as given to {@link CompanyPages.headersFor}. */
  readonly style?: string;
}

const ownStyle =
  '.brand{display:flex;gap:.75rem;align-items:center;margin:0}.brand img{max-width:12rem}' +
  '.outcome{padding:1.5rem}.sign{width:3rem;height:3rem;margin:0;border:3px solid;border-radius:50%;display:grid;' +
  'place-items:center;font-size:1.5rem;font-weight:700}';

/** Pages for the company's users, with the company's name, logo and color, in the reader's language. */
@Injectable()
export class CompanyPages {
  private readonly style: string;
  /** The headers of pages that lead to no provider. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(@Inject(companyConfig.KEY) private readonly company: CompanyConfig) {
    this.style = styleOf(company.color);
    this.headers = this.headersFor();
  }

  /** Returns the headers of a kind of page. */
  headersFor({ directives = [], style = '', ...permissions }: PagePermissions = {}): Record<string, string> {
    const pictures = this.company.logo === undefined ? [] : [`img-src 'self'`];
    return {
      ...pageHeaders({ ...permissions, style: this.style + style, directives: [...pictures, ...directives] }),
      vary: 'accept, accept-language',
    };
  }

  /** Returns the texts in the language that a reader prefers. */
  textsFor(headers: IncomingHttpHeaders): Texts {
    return languages[preferredLanguage(headers)];
  }

  /** Renders a page for a reader. */
  render(reader: IncomingHttpHeaders, { title, content, returnUrl, isEnd = false, style = '' }: CompanyPage): string {
    const language = preferredLanguage(reader);
    const { name, logo } = this.company;
    const { direction } = languages[language];
    const picture = logo && html`<img src="${logoPath}" alt="" height="32" />`;
    return renderPage({
      language,
      direction,
      title: name === undefined ? title : `${title} · ${name}`,
      ...(name === undefined && picture === undefined
        ? {}
        : { header: html`<p class="brand">${picture}${name && html`<strong>${name}</strong>`}</p>` }),
      content,
      footer: this.wayBack(languages[language], returnUrl, isEnd),
      style: this.style + style,
    });
  }

  /** Renders the page of one outcome: what happened, what to do, and the way back. */
  renderOutcome(reader: IncomingHttpHeaders, { name, provider, returnUrl, requestId }: Outcome): string {
    const texts = this.textsFor(reader);
    const { title, reason, advice } = texts.outcomes[name];
    const heading = title(provider ?? texts.yourDevice);
    const reference = requestId && html`<p class="muted">${texts.reference} <code>${requestId}</code></p>`;
    const isGood = name === 'connected';
    const content = html`<div class="card outcome">
      <p class="sign ${isGood ? 'good' : 'bad'}" aria-hidden="true">${isGood ? '✓' : '!'}</p>
      <h1>${heading}</h1>
      <p>${reason}</p>
      <p>${advice}</p>
      ${reference}
    </div>`;
    return this.render(reader, { title: heading, content, returnUrl, isEnd: true });
  }

  private wayBack(texts: Texts, returnUrl: string | undefined, isMain: boolean): Html {
    const { name, url } = this.company;
    const target = returnUrl ?? url;
    return target === undefined
      ? html`<p class="muted">${texts.closePage}</p>`
      : html`<p><a class="${isMain ? 'button' : 'button quiet'}" href="${target}">${texts.backTo(name)}</a></p>`;
  }
}

/** Returns the style with the company's color. Buttons have it unchanged; texts have a readable shade of it. */
function styleOf(color: string | undefined): string {
  if (color === undefined) {
    return ownStyle;
  }
  // The surfaces of page-style.ts.
  const [light, dark] = [readableOn(color, ['#ffffff', '#f6f8fa']), readableOn(color, ['#0d1117', '#161b22'])];
  const button = `--button:${color};--accent-text:${textOn(color)}`;
  return (
    `:root{--accent:${light};${button}}` +
    `@media(prefers-color-scheme:dark){:root{--accent:${dark};${button}}}${ownStyle}`
  );
}
