import { html, trusted, type Html, type HtmlContent } from './html.js';
import { pageStyle } from './page-style.js';

/** The parts of a page. */
export interface Page {
  /** BCP 47 tag of the language that the page is written in. Default: `en`. */
  readonly language?: string;
  /** Direction of the language. Default: `ltr`. */
  readonly direction?: 'ltr' | 'rtl';
  /** Title of the tab. */
  readonly title: string;
  /** Shown above the content, for example the company's name and logo. */
  readonly header?: Html;
  readonly content: HtmlContent;
  readonly footer?: Html;
  /** A style of this kind of page, after the common one. A constant: its hash is in the policy. */
  readonly style?: string;
  /** Path of the only script, in a file of its own. The policy must allow it. */
  readonly script?: string;
  /** For tables: the page takes the width of a desktop. */
  readonly isWide?: boolean;
}

/** Returns the style of a page as its `style` element holds it. `page-headers.ts` allows exactly this text. */
export function styleOf(ownStyle = ''): string {
  return ownStyle === '' ? pageStyle : `${pageStyle}\n${ownStyle}`;
}

/** Returns a whole HTML document. */
export function renderPage(page: Page): string {
  const { language = 'en', direction = 'ltr', title, header, content, footer, style, script, isWide = false } = page;
  return html`<!doctype html>
    <html lang="${language}" dir="${direction}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>${trusted(styleOf(style))}</style>
        ${script !== undefined && html`<script src="${script}" defer></script>`}
      </head>
      <body${isWide && trusted(' class="wide"')}>
        ${header && html`<header>${header}</header>`}
        <main>${content}</main>
        ${footer && html`<footer>${footer}</footer>`}
      </body>
    </html> `.toString();
}
