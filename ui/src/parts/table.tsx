// A table that stays quick with ten thousand rows: rows have one height, and only those in sight are in the document.
// Columns are sorted by their heading's button. Cells are text; what is too long is cut off by the stylesheet.

import { type Signal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { type Cell, Ranks, type Sort, sorted, visible } from '../model/rows';

export interface TableColumn<Row> {
  key: string;
  label: string;
  /** Says more than the label. */
  title?: string;
  /** Numbers stand to the right, and the largest is sorted first. */
  number?: boolean;
  /** In `ch`; the columns without share what is left. */
  width?: number;
  value: (row: Row) => Cell;
  show: (row: Row) => ComponentChildren;
  tone?: (row: Row) => string | undefined;
  /** What the pointer is told, for cells that may be cut off. */
  whole?: (row: Row) => string;
}

interface TableProps<Row> {
  label: string;
  columns: readonly TableColumn<Row>[];
  rows: readonly Row[];
  id: (row: Row) => string | number;
  sort: Signal<Sort>;
  /** A last row that is always in sight. */
  foot?: Row | null;
  empty: string;
}

const ROW = 34;
/** Columns of free width need at least this many `ch`. */
const FREE = 22;

export function Table<Row>({ label, columns, rows, id, sort, foot, empty }: TableProps<Row>) {
  const scroller = useRef<HTMLElement>(null);
  const sight = useSignal({ top: 0, height: 600 });
  const { key, direction } = sort.value;
  const ranks = useRef<Ranks>(null);
  ranks.current ??= new Ranks();
  const ordered = useMemo(() => {
    const column = columns.find((one) => one.key === key);
    return column ? sorted(rows, column.value, direction, ranks.current ?? undefined) : rows;
  }, [rows, columns, key, direction]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const look = () => {
      const next = { top: element.scrollTop, height: element.clientHeight };
      const now = sight.peek();
      if (next.top !== now.top || next.height !== now.height) sight.value = next;
    };
    look();
    const size = new ResizeObserver(look);
    size.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      size.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [sight]);

  const [first, last] = visible(ordered.length, ROW, sight.value.top, sight.value.height);
  const least = columns.reduce((sum, column) => sum + (column.width ?? FREE), 0);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section class="table" ref={scroller} tabIndex={0} aria-label={label}>
      <table aria-rowcount={ordered.length + 1} style={{ minWidth: `${least}ch` }}>
        <colgroup>
          {columns.map((column) => (
            <col key={column.key} style={column.width ? { width: `${column.width}ch` } : {}} />
          ))}
        </colgroup>
        <thead>
          <tr>
            {columns.map((column) => (
              <Heading key={column.key} column={column} sort={sort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && <tr class="space" style={{ height: `${first * ROW}px` }} />}
          {ordered.slice(first, last).map((row, index) => (
            <tr key={id(row)} aria-rowindex={first + index + 2} class={(first + index) % 2 ? 'odd' : ''}>
              <Cells columns={columns} row={row} />
            </tr>
          ))}
          {last < ordered.length && (
            <tr class="space" style={{ height: `${(ordered.length - last) * ROW}px` }} />
          )}
          {ordered.length === 0 && (
            <tr class="empty">
              <td colSpan={columns.length}>{empty}</td>
            </tr>
          )}
        </tbody>
        {foot && (
          <tfoot>
            <tr>
              <Cells columns={columns} row={foot} />
            </tr>
          </tfoot>
        )}
      </table>
    </section>
  );
}

function Cells<Row>({ columns, row }: { columns: readonly TableColumn<Row>[]; row: Row }) {
  return (
    <>
      {columns.map((column) => (
        <td
          key={column.key}
          class={`${column.number ? 'number' : ''} ${column.tone?.(row) ?? ''}`}
          title={column.whole?.(row)}
        >
          {column.show(row)}
        </td>
      ))}
    </>
  );
}

function Heading<Row>({ column, sort }: { column: TableColumn<Row>; sort: Signal<Sort> }) {
  const { key, direction } = sort.value;
  const mine = key === column.key;
  const next = mine ? (direction === 'up' ? 'down' : 'up') : column.number ? 'down' : 'up';
  return (
    <th
      scope="col"
      class={column.number ? 'number' : ''}
      aria-sort={mine ? (direction === 'up' ? 'ascending' : 'descending') : 'none'}
    >
      <button
        type="button"
        title={column.title}
        onClick={() => {
          sort.value = { key: column.key, direction: next };
        }}
      >
        {column.label}
        {mine && <span aria-hidden="true">{direction === 'up' ? '▲' : '▼'}</span>}
      </button>
    </th>
  );
}
