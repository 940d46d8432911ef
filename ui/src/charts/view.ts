// What all charts share: the part of time they show, and where the pointer is in it.

import { signal } from '@preact/signals';
import type { Timeline } from '../model/timeline';

export type View =
  | { show: 'all' }
  /** The newest so many seconds, following the run. */
  | { show: 'last'; seconds: number }
  /** A part that was zoomed into; seconds since 1970. */
  | { show: 'part'; from: number; to: number };

export const view = signal<View>({ show: 'all' });

/** The second under the pointer as an index of the timeline. */
export const pointed = signal<number | null>(null);

/** Narrower than this there is nothing to see. */
const MIN_SECONDS = 5;

/** The indices that a view shows (end excluded) and the seconds its x axis spans. */
export function extent(
  timeline: Timeline,
  shown: View,
): { from: number; to: number; left: number; right: number } {
  const end = timeline.length;
  let left = timeline.seconds(0);
  let right = timeline.seconds(Math.max(end - 1, 1));
  if (shown.show === 'last') left = Math.max(left, right - shown.seconds);
  if (shown.show === 'part') [left, right] = [shown.from, shown.to];
  right = Math.max(right, left + MIN_SECONDS * timeline.step);
  return {
    // One more on each side, so that lines leave the plot instead of ending before its edge.
    from: Math.max(0, timeline.indexAt(left) - 1),
    to: Math.min(end, timeline.indexAt(right) + 2),
    left,
    right,
  };
}

/** Zooms by `factor` around the middle and moves by `shift` widths. */
export function move(timeline: Timeline, factor: number, shift: number): void {
  const { left, right } = extent(timeline, view.peek());
  const width = Math.max(MIN_SECONDS, (right - left) * factor);
  const middle = (left + right) / 2 + (right - left) * shift;
  zoom(timeline, middle - width / 2, middle + width / 2);
}

/** Zooms to a part; to all of it where that is what the part covers. */
export function zoom(timeline: Timeline, from: number, to: number): void {
  const first = timeline.seconds(0);
  const last = timeline.seconds(Math.max(timeline.length - 1, 1));
  const width = Math.max(MIN_SECONDS, to - from);
  if (width >= last - first) {
    view.value = { show: 'all' };
    return;
  }
  const left = Math.min(Math.max(from, first), last - width);
  view.value = { show: 'part', from: left, to: left + width };
}
