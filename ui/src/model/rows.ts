// Sorting and filtering of tables.

export type Cell = string | number | null | undefined;
export type Direction = 'up' | 'down';

export interface Sort {
  key: string;
  direction: Direction;
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
/** Longer texts are compared by their beginning: collating ten thousand texts of 10 KB would block the page. */
const COMPARED = 120;

/** Rows in the order of what `value` says of each; rows without a value come last in both directions. */
export function sorted<Row>(rows: readonly Row[], value: (row: Row) => Cell, direction: Direction): Row[] {
  const keyed = rows.map((row, index) => ({ row, index, key: value(row) ?? null }));
  const sign = direction === 'up' ? 1 : -1;
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) {
      return a.key === b.key ? a.index - b.index : a.key === null ? 1 : -1;
    }
    const order =
      typeof a.key === 'number' && typeof b.key === 'number'
        ? a.key - b.key
        : collator.compare(String(a.key).slice(0, COMPARED), String(b.key).slice(0, COMPARED));
    return order === 0 ? a.index - b.index : sign * order;
  });
  return keyed.map(({ row }) => row);
}

/** Rows whose text contains every word of `query`, whatever the case. */
export function matching<Row>(
  rows: readonly Row[],
  text: (row: Row) => string,
  query: string,
): readonly Row[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return rows;
  return rows.filter((row) => {
    const lower = text(row).toLowerCase();
    return words.every((word) => lower.includes(word));
  });
}

/** Which rows of equal height lie in a window of `height` pixels that is scrolled by `top`, with some to spare. */
export function visible(total: number, rowHeight: number, top: number, height: number): [number, number] {
  const spare = 8;
  const first = Math.max(0, Math.min(Math.floor(top / rowHeight) - spare, total));
  const last = Math.min(total, Math.ceil((top + height) / rowHeight) + spare);
  // An even start keeps striped rows striped the same way.
  return [first - (first % 2), Math.max(first, last)];
}
