/*
 * Which rows of a window are in sight: @tanstack/virtual-core looks after the
 * box, its size and how far it is scrolled, and brings a row into sight.  All
 * rows are equally high, so that none has to be measured.
 *
 * A refresh of 5,000 rows takes as much of the main thread as with a division
 * of our own (29.6 and 30.5 ms, medians of five alternating runs of ten), a
 * step of scrolling, too (10.9 and 10.4 ms); it is 9.7 KB of the page.
 */

import { Virtualizer, elementScroll, observeElementOffset, observeElementRect }
  from '@tanstack/virtual-core';
import { useLayoutEffect, useMemo, useState } from 'preact/hooks';

const ROW = 2.3;                /* rem, as .window td of css/processes.css */
const SPARE = 5;                /* rows above and below those in sight */

/* where a window was left @type {Map<string, number>} */
const places = new Map();

const height = () => ROW * parseFloat(
  getComputedStyle(document.documentElement).fontSize);


/**
 * Who comes back to a window finds it as it was left.
 *
 * @param {string} name @param {number} count
 * @param {{ current: HTMLElement | null }} box
 */
function usePlace(name, count, box) {
  const full = name !== '' && count > 0;

  useLayoutEffect(() => {
    const here = box.current;

    if (!full || !here) {
      return undefined;
    }

    const keep = () => places.set(name, here.scrollTop);

    here.scrollTop = places.get(name) ?? 0;
    here.addEventListener('scroll', keep, { passive: true });

    return () => here.removeEventListener('scroll', keep);
  }, [name, full]);
}


/**
 * @param {string} name of the window, empty: it is none
 * @param {number} count of its rows
 * @param {{ current: HTMLElement | null }} box
 */
export function useSight(name, count, box) {
  const [, setRange] = useState('');
  const row = name ? height() : 0;

  /** @returns {import('@tanstack/virtual-core').VirtualizerOptions<any, any>} */
  const options = () => ({
    count,
    estimateSize: () => row,
    overscan: SPARE,
    getScrollElement: () => box.current,
    initialRect: { width: 0, height: innerHeight },
    initialOffset: () => box.current?.scrollTop ?? 0,
    /* the head stays above the rows, and so do the caption and a line */
    scrollPaddingEnd: 2
      + (box.current?.querySelector('thead')?.clientHeight ?? 0),
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    /* that scrolling begins or ends changes nothing */
    onChange: ({ range }) => setRange(
      `${range?.startIndex} ${range?.endIndex}`),
  });

  /* another size of letters: another window */
  const sight = useMemo(() => (row ? new Virtualizer(options()) : null),
    [name, row]);

  sight?.setOptions(options());
  useLayoutEffect(() => sight?._didMount(), [sight]);
  useLayoutEffect(() => sight?._willUpdate());
  usePlace(name, count, box);

  if (!sight) {
    return { from: 0, to: count, above: 0, below: 0, page: 0, sight };
  }

  const items = sight.getVirtualItems();
  const from = items[0]?.index ?? 0, to = from + items.length;

  const seen = (sight.scrollRect?.height ?? 0) - sight.options.scrollPaddingEnd;

  return { from, to, above: from * row, below: (count - to) * row,
    page: Math.floor(seen / row), sight };
}
