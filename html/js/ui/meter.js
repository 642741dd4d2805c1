/* A bar of shares; its widths are set through the CSSOM, as the CSP wants */

import { html } from './html.js';


/**
 * @param {{ label: string, parts: { name: string, share: number,
 *           text?: string, class: string }[] }} props
 * share: 0..1
 */
export function Meter({ label, parts }) {
  const words = parts.map((p) => `${p.name} ${p.text ?? ''}`).join(', ');

  return html`<div class="meter" role="img" aria-label=${`${label}: ${words}`}>
    ${parts.map((p) => html`<i key=${p.name} class=${p.class}
      title=${`${p.name} ${p.text ?? ''}`}
      style=${{ width: `${Math.min(Math.max(p.share, 0), 1) * 100}%` }} />`)}
  </div>`;
}
