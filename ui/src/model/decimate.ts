// A long timeline in as many points as a plot has pixels. Each bucket keeps its smallest and its largest value in the
// order in which they came, so that a spike of one second is still seen after four hours. Buckets lie on fixed
// indices, so that the picture does not shimmer while it grows.

import type { Column } from '../wire';

export interface Decimated {
  /** Index positions on the timeline; fractions within a bucket. */
  xs: number[];
  /** One for each column that was given. */
  ys: Column[];
}

/** Indices `from..to` (end excluded) of each column, in at most about `points` points. */
export function decimate(columns: readonly Column[], from: number, to: number, points: number): Decimated {
  const first = Math.max(0, from);
  const length = Math.max(0, to - first);
  const size = Math.ceil((2 * length) / Math.max(2, points));
  const xs: number[] = [];
  if (size <= 2) {
    for (let i = first; i < first + length; i++) xs.push(i);
    return { xs, ys: columns.map((column) => column.slice(first, first + length)) };
  }
  const start = Math.floor(first / size);
  const end = Math.ceil(to / size);
  for (let bucket = start; bucket < end; bucket++) {
    xs.push((bucket + 0.25) * size, (bucket + 0.75) * size);
  }
  return { xs, ys: columns.map((column) => extremes(column, first, to, start, end, size)) };
}

function extremes(
  column: Column,
  first: number,
  to: number,
  start: number,
  end: number,
  size: number,
): Column {
  const out: Column = [];
  for (let bucket = start; bucket < end; bucket++) {
    const stop = Math.min((bucket + 1) * size, to);
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    let lowAt = -1;
    let highAt = -1;
    for (let i = Math.max(bucket * size, first); i < stop; i++) {
      const value = column[i];
      if (value === null || value === undefined) continue;
      if (value < low) {
        low = value;
        lowAt = i;
      }
      if (value > high) {
        high = value;
        highAt = i;
      }
    }
    if (lowAt < 0) out.push(null, null);
    else if (lowAt <= highAt) out.push(low, high);
    else out.push(high, low);
  }
  return out;
}
