import { html as render, raw as trust } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';

/** A piece of HTML that needs no escaping. Only {@link html} and {@link trusted} make one. */
export type Html = HtmlEscapedString;

/** A value in a template. A string is text and is escaped; `undefined` and `false` leave nothing. */
export type HtmlContent = string | number | Html | undefined | false | readonly HtmlContent[];

/**
 * Renders a template: html`<p>${name}</p>`. Every string is escaped, in text and in quoted attributes. The result of
 * another template is not escaped again.
 */
export function html(parts: TemplateStringsArray, ...contents: readonly HtmlContent[]): Html {
  // The library also takes promises and then returns one; the types above exclude them.
  return render(parts, ...contents) as Html;
}

/** Marks our own constant text, such as a style sheet, as safe. Never use it for text from outside. */
export function trusted(constant: string): Html {
  return trust(constant);
}
