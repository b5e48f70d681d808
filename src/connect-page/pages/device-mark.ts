import { colorFor, textOn } from '../../web/colors.js';
import { html, type Html } from '../../web/html.js';

/**
 * The mark of a provider: its initial in its color. No logo is shown, because their licenses differ. The colors are
 * facts of Simple Icons (CC0 1.0); a provider without one gets a color that follows from its slug.
 *
 * Attributes of SVG need no permission in the policy, as a style would.
 */
export function deviceMark(slug: string, name: string, brandColor: string | undefined): Html {
  const color = brandColor ?? colorFor(slug);
  return html`<svg class="mark" width="40" height="40" viewBox="0 0 40 40" aria-hidden="true">
    <rect width="40" height="40" rx="10" fill="${color}" />
    <text x="20" y="27" text-anchor="middle" font-size="19" fill="${textOn(color, 3)}">
      ${[...name][0]?.toUpperCase()}
    </text>
  </svg>`;
}
