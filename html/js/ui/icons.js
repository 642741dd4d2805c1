/* Line icons, drawn in the colour of the text around them */

import { html } from './html.js';

/** @type {Record<string, string[]>} */
const paths = {
  pulse: ['M2 12h4l3-8 5 16 3-8h5'],
  pause: ['M8 5v14', 'M16 5v14'],
  play: ['M7 4.5v15l12-7.5z'],
  sun: ['M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z', 'M12 2v2', 'M12 20v2', 'M2 12h2',
    'M20 12h2', 'M5 5l1.4 1.4', 'M17.6 17.6 19 19', 'M19 5l-1.4 1.4',
    'M6.4 17.6 5 19'],
  moon: ['M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z'],
  system: ['M3 4h18v12H3z', 'M8 20h8', 'M12 16v4'],
  user: ['M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8z',
    'M4 21c0-4.5 3.5-6.5 8-6.5s8 2 8 6.5'],
  search: ['M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14z', 'M16.2 16.2 21 21'],
  start: ['M7 4.5v15l12-7.5z'],
  stop: ['M6 6h12v12H6z'],
  restart: ['M20 12a8 8 0 1 1-2.6-5.9', 'M20 3v5h-5'],
  ok: ['M4 12.5l5.5 5.5L20 6.5'],
  bad: ['M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z', 'M9 9l6 6', 'M15 9l-6 6'],
  warn: ['M12 3.5 22 20.5H2z', 'M12 10v5', 'M12 17.6v.4'],
  down: ['M6 9l6 6 6-6'],
  help: ['M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
    'M9.3 9.3a2.8 2.8 0 1 1 4 2.5c-.9.5-1.3 1-1.3 2', 'M12 16.8v.3'],
  columns: ['M3 4h18v16H3z', 'M9 4v16', 'M15 4v16'],
  close: ['M6 6l12 12', 'M18 6 6 18'],
  reload: ['M4 12a8 8 0 0 1 14-5l2 2', 'M20 4v5h-5',
    'M20 12a8 8 0 0 1-14 5l-2-2', 'M4 20v-5h5'],
  enable: ['M12 3v9', 'M6.3 7a8 8 0 1 0 11.4 0'],
  disable: ['M4 4l16 16', 'M6.3 7a8 8 0 0 0 11 11.4',
    'M19.4 15a8 8 0 0 0-1.7-8', 'M12 3v5'],
  journal: ['M5 3h14v18H5z', 'M8.5 8h7', 'M8.5 12h7', 'M8.5 16h4'],
  held: ['M12 17v5', 'M8 3h8l-1 7 3 4v3H6v-3l3-4z'],
};

/** @param {{ name: string }} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
    ${paths[name].map((d) => html`<path key=${d} d=${d} />`)}
  </svg>`;
}
