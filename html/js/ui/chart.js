/* A small time chart: uPlot in the page's colours */

import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

import { html } from './html.js';
import { bytes, clock, kibibytes, number } from '../format.js';
import { app, useStore } from '../store.js';

const HEIGHT = 9.4;             /* rem */
const FONT = .79;
const LONGEST = 900;            /* seconds on the axis */
const SHORTEST = 60;
const DAY = 86400;
const EDGE = 24;                /* pixels */
const NEAR = 4;                 /* times the data: as far off a mark is shown */

/** @type {number[]} */
const NONE = [];

/* 32 MiB stands there, not 28.6 */
/** @type {Set<any>} */
const SIZES = new Set([bytes, kibibytes]);
const STEPS = Array.from({ length: 60 }, (_, i) => 2 ** i);


/** @param {string} name of a custom property */
const colour = (name) => getComputedStyle(document.documentElement)
  .getPropertyValue(name).trim();


/* canvas knows pixels only */
const rem = () => parseFloat(
  getComputedStyle(document.documentElement).fontSize);


/** @param {string} hex #rrggbb, as all colours of css/base.css are */
const faded = (hex) => `${hex}24`;


/**
 * @param {{
 *   label: string,
 *   data: (number | null)[][],
 *   version: number,
 *   series: { name: string, colour: string, format: (n: any) => string }[],
 *   max?: number,
 *   tick: (n: number) => string,
 *   span?: boolean,
 *   whole?: boolean,
 *   wide?: boolean,
 *   height?: number,
 *   marks?: number[],
 * }} props
 * data: seconds, then one row per series.  max: fixed top of the axis.
 * span: seconds of a run, not the time of day.  whole: all of them, not the
 * last minutes.  wide: the ticks are long.  height: in rem.  marks: lines
 * that are not to be crossed
 */
export function Chart({ label, data, version, series, max, tick, span,
  whole = span, wide, height = HEIGHT, marks = NONE }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const plot = useRef(/** @type {uPlot | null} */ (null));
  const marked = useRef(marks);
  const theme = useStore(app, (s) => s.theme);
  const lang = useStore(app, (s) => s.lang);

  marked.current = marks;

  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)');

    let unit = 0;

    const make = () => {
      const here = /** @type {HTMLElement} */ (box.current);

      unit = rem();
      plot.current?.destroy();
      plot.current = new uPlot(
        options(here.clientWidth, height, range(data[0], whole), series, max,
          tick, span, wide, () => marked.current),
        /** @type {any} */ (data), here);
    };

    const watch = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry.contentRect.width);

      /* a plot keeps the size of its letters */
      if (unit !== rem()) {
        make();

      } else if (plot.current && width !== plot.current.width) {
        plot.current.setSize({ width, height: height * rem() });
      }
    });

    make();
    watch.observe(/** @type {HTMLElement} */ (box.current));
    dark.addEventListener('change', make);

    return () => {
      watch.disconnect();
      dark.removeEventListener('change', make);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [theme, lang]);

  useEffect(() => {
    plot.current?.setData(/** @type {any} */ (data), false);
    plot.current?.setScale('x', range(data[0], whole));
  }, [version, marks.join()]);

  const last = data[0].length - 1;
  const words = series.map((s, i) => ({ ...s,
    text: s.format(data[i + 1][last] ?? null) }));
  const told = words.map((s) => `${s.name} ${s.text}`).join(', ');

  return html`<figure class="chart">
    <figcaption><span class="name">${label}</span>
      ${words.map((s) => html`<span key=${s.name} class="key">
        <i aria-hidden="true" style=${{ background: `var(${s.colour})` }} />
        ${s.name} <b>${s.text}</b></span>`)}
    </figcaption>
    <div ref=${box} class="plot" style=${{ height: `${height}rem` }} role="img"
      aria-label=${`${label}: ${told}`} />
  </figure>`;
}


/** @param {(number | null)[]} times what is known of the last minutes
 *  @param {boolean} [whole] */
function range(times, whole) {
  if (whole && times.length > 0) {
    return { min: times[0] ?? 0, max: times.at(-1) ?? 1 };
  }

  const now = times.at(-1) ?? Date.now() / 1000;
  const span = Math.min(Math.max(now - (times[0] ?? now), SHORTEST), LONGEST);

  return { min: now - span, max: now };
}


/**
 * @param {any} plot @param {number[]} at @param {number} _axis
 * @param {number} _space @param {number} step seconds
 */
function timeTicks(plot, at, _axis, _space, step) {
  const width = plot.bbox.width / devicePixelRatio;

  const part = step >= DAY ? [5, 10] : [11, step < 60 ? 19 : 16];

  return at.map((s) => {
    const x = plot.valToPos(s, 'x');

    /* at the edges it would be cut or stand below the other axis */
    return x < EDGE || x > width - EDGE ? null
      : clock(new Date(s * 1000), true).slice(...part);
  });
}


/**
 * The lines of the marks, each with its value.
 *
 * @param {any} plot @param {number[]} marks @param {(n: number) => string} tick
 */
function drawMarks({ ctx, bbox, valToPos, scales }, marks, tick) {
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour('--bad');
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.font = `${FONT * rem() * devicePixelRatio}px ${
    getComputedStyle(document.body).fontFamily}`;
  ctx.textAlign = 'right';
  ctx.textBaseline = 'bottom';

  for (const mark of marks.filter((m) => m < scales.y.max)) {
    const y = Math.round(valToPos(mark, 'y', true));

    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.fillText(tick(mark), bbox.left + bbox.width - 4 * devicePixelRatio,
      y - devicePixelRatio);
  }

  ctx.restore();
}


/**
 * The top of the axis: above the data, and above the next mark if that is not
 * so far off that nothing else could be seen.
 *
 * @param {number} high of the data @param {number[]} marks
 */
function topOf(high, marks) {
  const next = Math.min(...marks.filter((m) => m >= high && m <= high * NEAR));

  return Math.max(1, 1.15 * Math.max(high,
    Number.isFinite(next) ? next : 0));
}


/**
 * @param {number} width @param {number} height
 * @param {{ min: number, max: number }} x
 * @param {{ name: string, colour: string }[]} series
 * @param {number | undefined} max
 * @param {(n: number) => string} tick
 * @param {boolean | undefined} span @param {boolean | undefined} wide
 * @param {() => number[]} marks
 * @returns {any}
 */
function options(width, height, x, series, max, tick, span, wide, marks) {
  const grid = { stroke: colour('--line'), width: 1 };
  const one = rem();
  const font = `${FONT * one}px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { stroke: colour('--muted'), font, grid,
    ticks: { show: false } };

  return {
    width, height: height * one,
    padding: [8, 6, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 5 }, drag: { x: false, y: false } },
    scales: {
      x: { time: !span, ...x },
      y: {
        range: (_, low, high) => [0, max ?? topOf(high ?? 0, marks())],
      },
    },
    hooks: { draw: [(plot) => drawMarks(plot, marks(), tick)] },
    axes: [
      { ...axis, size: 1.6 * one, space: 6 * one, gap: 4,
        values: span ? (_, at) => at.map((s) => `${number(s, s % 1 ? 1 : 0)} s`)
          : timeTicks },
      { ...axis, size: (wide ? 4.6 : 3.2) * one, space: 2.2 * one, gap: 4,
        ...(SIZES.has(tick) && { incrs: STEPS }),
        values: (_, at) => at.map(tick) },
    ],
    series: [{}, ...series.map((s) => ({
      label: s.name,
      stroke: colour(s.colour),
      fill: faded(colour(s.colour)),
      width: 1.5,
      points: { show: false },
    }))],
  };
}
