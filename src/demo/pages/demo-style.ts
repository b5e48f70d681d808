/** The style of the demo's pages, beside the common style. */
export const demoStyle =
  'pre{overflow-x:auto;white-space:pre-wrap;margin:.5rem 0;font:.85rem/1.5 ui-monospace,monospace}' +
  'dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem .75rem;margin:.5rem 0}dt{color:var(--muted)}dd{margin:0}' +
  '.card h2{margin:0}form{margin:0}header .grow{flex-basis:100%}.scroll{overflow-wrap:normal}.scroll code{white-space:nowrap}';
