/** The style of the hosted page, after that of every page. */
export const connectStyle = [
  '.devices{list-style:none;margin:0;padding:0}',
  '.grid{display:grid;gap:.5rem;grid-template-columns:repeat(auto-fill,minmax(min(100%,14rem),1fr));margin-top:1rem}',
  '.device{display:flex;gap:.75rem;align-items:center;width:100%;height:100%;text-align:start;background:var(--surface);' +
    'color:var(--text);border-color:var(--line);border-radius:.75rem;padding:.6rem .75rem}',
  '.device:hover{border-color:var(--accent)}',
  '.mark{flex:none}.mark rect{stroke:var(--line)}.mark text{font:700 19px system-ui,sans-serif}',
  'small{display:block;font-weight:400}',
  // It has the focus only so that it is read first, and has no action.
  '.notice:focus-visible{outline:none}.notice h2{margin:0 0 .25rem}.notice p{margin:0}',
].join('');
