/* The memory of a measured run, from its first look to its end */

import { Chart } from './chart.js';
import { html } from './html.js';
import { kibibytes } from '../format.js';
import { t } from '../i18n.js';
import { useFeed } from '../poll.js';

const SETTLED = 3600000;       /* ms */


/** @param {{ id: string }} props of the operation */
export function Series({ id }) {
  const { data } = useFeed(`log/${encodeURIComponent(id)}/series`, SETTLED);

  if (!Array.isArray(data) || data.length < 2) {
    return null;
  }

  /* KiB over seconds since its start */
  const row = (key) => data.map((p) => p[key] ?? null);
  const names = { VmRSS: '--c1', VmSize: '--c5' };

  return html`<${Chart} label=${t('usage.series')} version=${data.length}
    data=${[row('t'), ...Object.keys(names).map(row)]} span wide
    tick=${kibibytes} series=${Object.entries(names).map(([name, colour]) => (
      { name, colour, format: kibibytes }))} />`;
}
