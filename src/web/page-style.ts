/**
 * The style of every page for people: the hosted page, outcomes of links, the sandbox, the demo and the console. It
 * loads no file and no font. Browsers pick light or dark by the person's own setting.
 */
export const pageStyle = [
  ':root{color-scheme:light dark;--accent:#1f5fbf;--accent-text:#fff;--button:var(--accent);--text:#1b1f24;' +
    '--muted:#57606a;--page:#f6f8fa;--surface:#fff;--line:#d0d7de;--good:#1a7f37;--bad:#b42318;--warn:#8a5a00}',
  '@media(prefers-color-scheme:dark){:root{--accent:#7ab0ff;--accent-text:#0b1526;--text:#e6edf3;--muted:#9da7b3;' +
    '--page:#0d1117;--surface:#161b22;--line:#3d444d;--good:#5cc877;--bad:#ff8a80;--warn:#e3b341}}',
  '*{box-sizing:border-box}',
  'body{margin:0;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}',
  'main,body>header,body>footer{max-width:40rem;margin:0 auto;padding:1rem}',
  'body.wide main,body.wide>header,body.wide>footer{max-width:75rem}',
  'h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0 1rem}',
  'h2{font-size:1.125rem;margin:1.5rem 0 .5rem}',
  'a{color:var(--accent)}',
  ':focus-visible{outline:3px solid var(--accent);outline-offset:2px}',
  'button,.button{display:inline-block;font:inherit;font-weight:600;padding:.6rem 1rem;border-radius:.5rem;' +
    'border:1px solid var(--button);background:var(--button);color:var(--accent-text);cursor:pointer;' +
    'text-decoration:none;min-height:2.75rem}',
  'button.quiet,.button.quiet{background:transparent;border-color:var(--accent);color:var(--accent)}',
  'button.danger{background:transparent;border-color:var(--bad);color:var(--bad)}',
  'input,select{font:inherit;color:inherit;background:var(--surface);border:1px solid var(--muted);' +
    'border-radius:.5rem;padding:.5rem .75rem;min-height:2.75rem;max-width:100%}',
  'label{display:block;margin:.75rem 0 .25rem}',
  '.card{background:var(--surface);border:1px solid var(--line);border-radius:.75rem;padding:1rem;margin:.75rem 0}',
  '.row{display:flex;flex-wrap:wrap;gap:.75rem;align-items:center}.row>.grow{flex:1 1 10rem}',
  '.muted{color:var(--muted)}.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}',
  '.notice{border-left:.25rem solid var(--accent);padding:.75rem 1rem;background:var(--surface);margin:.75rem 0}',
  '.notice.good{border-color:var(--good);color:inherit}.notice.bad{border-color:var(--bad);color:inherit}',
  'table{border-collapse:collapse;width:100%}th,td{text-align:start;padding:.4rem .6rem;border-bottom:1px solid ' +
    'var(--line);vertical-align:top}.scroll{overflow-x:auto}',
  'code{font:.9em/1.5 ui-monospace,monospace}',
  '@media(prefers-reduced-motion:no-preference){button,.button{transition:filter .15s}}button:hover,.button:hover{' +
    'filter:brightness(1.08)}',
].join('\n');
