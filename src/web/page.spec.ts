import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { html } from './html.js';
import { pageHeaders } from './page-headers.js';
import { renderPage } from './page.js';

describe('a page', () => {
  it('escapes every text, in elements and in attributes', () => {
    const hostile = `"><script>alert('x')</script>&`;
    const page = renderPage({ title: hostile, content: html`<p title="${hostile}">${[hostile]}</p>` });
    expect(page).not.toContain('<script');
    expect(page.match(/&quot;&gt;&lt;script&gt;/g)).toHaveLength(3);
  });

  it('takes the result of a template as it is', () => {
    expect(renderPage({ title: 't', content: [html`<i>1</i>`, html`<b>2</b>`] })).toContain('<i>1</i><b>2</b>');
  });

  it('may use exactly the style that it holds', () => {
    const style = '.own{margin:0}';
    const held = /<style>([^]*)<\/style>/.exec(renderPage({ title: 't', content: '', style }))?.[1] ?? '';
    const hash = createHash('sha256').update(held).digest('base64');
    expect(pageHeaders({ style })['content-security-policy']).toContain(`style-src 'sha256-${hash}'`);
  });

  it('leaves out undefined and false', () => {
    expect(renderPage({ title: 't', content: html`<p>${undefined}${false}</p>` })).toContain('<p></p>');
  });
});
