/**
 * The only script of the console, sent as a file of its own. It requests the page again every 30 seconds and replaces
 * the elements with `data-live`. Without it the pages work, and do not change.
 */
export const consoleScript = `'use strict';
const everyMs = 30000;
const control = document.getElementById('live');
const box = control && control.querySelector('input');

async function refresh() {
  if (!box.checked || document.hidden) {
    return;
  }
  const response = await fetch(location.href, { credentials: 'same-origin', headers: { accept: 'text/html' } });
  if (response.redirected) {
    location.reload();
    return;
  }
  if (!response.ok) {
    return;
  }
  const next = new DOMParser().parseFromString(await response.text(), 'text/html');
  for (const part of document.querySelectorAll('[data-live]')) {
    const fresh = next.getElementById(part.id);
    // A part that has the keyboard focus stays.
    if (fresh && !part.contains(document.activeElement)) {
      part.replaceWith(document.adoptNode(fresh));
    }
  }
}

if (box) {
  control.hidden = false;
  setInterval(() => refresh().catch(() => undefined), everyMs);
  box.addEventListener('change', () => refresh().catch(() => undefined));
}
`;
