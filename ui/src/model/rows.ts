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

/**
 * The places of texts in the alphabet. Collating ten thousand names takes a tenth of a second, and a table is sorted again
 * with each tick; so their places are kept until there is a text that has none.
 */
export class Ranks {
  private places = new Map<string, number>();

  of(texts: readonly string[]): ReadonlyMap<string, number> {
    const grown = texts.some((text) => !this.places.has(text));
    // Most of what is known may be of an earlier run.
    const stale = this.places.size > 2 * texts.length + 100;
    if (grown || stale) {
      const all = [...new Set(stale ? texts : [...this.places.keys(), ...texts])];
      const keyed = all.map((text) => ({ text, key: text.slice(0, COMPARED) }));
      keyed.sort((a, b) => collator.compare(a.key, b.key));
      this.places = new Map(keyed.map(({ text }, place) => [text, place]));
    }
    return this.places;
  }
}

/** Rows in the order of what `value` says of each; rows without a value come last in both directions. */
export function sorted<Row>(
  rows: readonly Row[],
  value: (row: Row) => Cell,
  direction: Direction,
  ranks = new Ranks(),
): Row[] {
  const cells = rows.map((row) => value(row) ?? null);
  const places = ranks.of(cells.filter((cell) => typeof cell === 'string'));
  const keyed = rows.map((row, index) => {
    const cell = cells[index] ?? null;
    return { row, index, key: typeof cell === 'string' ? (places.get(cell) ?? null) : cell };
  });
  const sign = direction === 'up' ? 1 : -1;
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) {
      return a.key === b.key ? a.index - b.index : a.key === null ? 1 : -1;
    }
    return a.key === b.key ? a.index - b.index : sign * (a.key - b.key);
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
