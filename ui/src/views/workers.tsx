// The machines that make the load.

import { signal } from '@preact/signals';
import { bytes, clip, count, decimal, latency, NONE } from '../model/format';
import { run } from '../model/here';
import type { Sort } from '../model/rows';
import { Table, type TableColumn } from '../parts/table';
import type { Worker } from '../wire';

/** From here on a worker is likely to measure itself. */
const BUSY_CPU = 90;
const LATE_MS = 50;

const COLUMNS: readonly TableColumn<Worker>[] = [
  {
    key: 'id',
    label: 'Worker',
    value: (row) => row.id,
    show: (row) => clip(row.id, 200),
    whole: (row) => clip(row.id, 500),
  },
  {
    key: 'state',
    label: 'State',
    width: 16,
    value: (row) => row.state,
    show: (row) => <span class={`state ${row.state}`}>{clip(row.state, 30)}</span>,
  },
  {
    key: 'users',
    label: 'Users',
    number: true,
    width: 12,
    value: (row) => row.users,
    show: (row) => count(row.users),
  },
  {
    key: 'cpu',
    label: 'CPU',
    title: 'Percent of one core',
    number: true,
    width: 12,
    value: (row) => row.cpu,
    show: (row) => (row.cpu === null ? NONE : `${decimal(row.cpu)} %`),
    tone: (row) => ((row.cpu ?? 0) >= BUSY_CPU ? 'warn' : undefined),
  },
  {
    key: 'memory',
    label: 'Memory',
    number: true,
    width: 14,
    value: (row) => row.memory,
    show: (row) => bytes(row.memory),
  },
  {
    key: 'lag',
    label: 'Lag',
    title: 'How late its event loop is',
    number: true,
    width: 12,
    value: (row) => row.lag,
    show: (row) => latency(row.lag),
    tone: (row) => ((row.lag ?? 0) >= LATE_MS ? 'warn' : undefined),
  },
];

const sort = signal<Sort>({ key: 'id', direction: 'up' });

export function Workers() {
  const lag = run.lag.value;
  return (
    <section class="fill">
      {lag && (
        <p class="tools muted">
          The generator is late by {latency(lag.p50)} at the median, {latency(lag.p99)} at p99,{' '}
          {latency(lag.max)} at most.
        </p>
      )}
      <Table
        label="Workers"
        columns={COLUMNS}
        rows={run.workers.value}
        id={(row) => row.id}
        sort={sort}
        empty="No worker is connected."
      />
    </section>
  );
}
