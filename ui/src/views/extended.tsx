// A table that a locustfile adds to the page (`template_args`). Its data comes with Locust's statistics, where a listener of
// the locustfile puts it.

import { signal, useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { extendedStats } from '../model/commands';
import { clip, decimal } from '../model/format';
import { run } from '../model/here';
import type { Sort } from '../model/rows';
import { Table, type TableColumn } from '../parts/table';

type Row = { index: number; cells: Record<string, unknown> };

const EVERY_MS = 2_000;
const sort = signal<Sort>({ key: '', direction: 'up' });

const text = (value: unknown) =>
  typeof value === 'number'
    ? decimal(value)
    : clip(typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? ''), 300);

export function ExtendedTable({ name, title }: { name: string; title: string }) {
  const rows = useSignal<readonly Row[] | null>(null);
  const error = useSignal<string | null>(null);
  useEffect(() => {
    const ask = () => {
      extendedStats().then(
        (tables) => {
          const data = tables.find((one) => one.key === name)?.data ?? [];
          rows.value = data.map((cells, index) => ({ index, cells }));
          error.value = null;
        },
        (failed: Error) => {
          error.value = failed.message;
        },
      );
    };
    ask();
    const timer = setInterval(ask, EVERY_MS);
    return () => clearInterval(timer);
  }, [name]);
  const structure = run.about.value?.extended?.tables.find((one) => one.key === name)?.structure ?? null;
  const columns = useMemo<readonly TableColumn<Row>[]>(
    () =>
      (structure ?? []).map(({ key, title: label }) => ({
        key,
        label: clip(String(label ?? key), 60),
        value: (row) => {
          const value = row.cells[key];
          return typeof value === 'number' ? value : String(value ?? '');
        },
        show: (row) => text(row.cells[key]),
        whole: (row) => text(row.cells[key]),
      })),
    [JSON.stringify(structure)],
  );
  return (
    <section class="fill">
      {error.value && (
        <p class="error" role="alert">
          {clip(error.value, 300)}
        </p>
      )}
      {columns.length === 0 ? (
        <p class="nothing">The test adds this tab, but no table for it.</p>
      ) : (
        <Table
          label={title}
          columns={columns}
          rows={rows.value ?? []}
          id={(row) => row.index}
          sort={sort}
          empty={rows.value === null ? 'Reading…' : 'The test has no data for this table yet.'}
        />
      )}
    </section>
  );
}
