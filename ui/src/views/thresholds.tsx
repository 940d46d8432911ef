// The test's thresholds, each with the value it is judged by and the verdict so far.

import { signal } from '@preact/signals';
import { bytes, clip, decimal, latency, percent } from '../model/format';
import { run } from '../model/here';
import type { Sort } from '../model/rows';
import { Table, type TableColumn } from '../parts/table';
import type { Threshold } from '../wire';

/** What the value is a value of, from the metric and the aggregation in the expression. */
function value(row: Threshold): string {
  const metric = run.metrics.value.find((one) => one.name === row.metric.replace(/\{.*$/s, ''));
  const rate = /^\s*rate\b/.test(row.source);
  if (
    rate &&
    (metric?.type === 'rate' || row.metric.startsWith('http_req_failed') || row.metric.startsWith('checks'))
  ) {
    return percent(row.value);
  }
  if (metric?.type === 'trend' && metric.contains === 'time') return latency(row.value);
  if (metric?.contains === 'data' && !rate) return bytes(row.value);
  return decimal(row.value);
}

const order = (row: Threshold) => (row.ok === false ? 0 : row.ok === null ? 1 : 2);

const COLUMNS: readonly TableColumn<Threshold>[] = [
  {
    key: 'verdict',
    label: 'Verdict',
    width: 16,
    value: order,
    show: (row) => (
      <span class={`verdict ${row.ok === null ? '' : row.ok ? 'good' : 'bad'}`}>
        {row.ok === null ? '○ no data' : row.ok ? '✓ passes' : '✗ fails'}
      </span>
    ),
  },
  {
    key: 'metric',
    label: 'Metric',
    value: (row) => row.metric,
    show: (row) => clip(row.metric, 300),
    whole: (row) => clip(row.metric, 1000),
  },
  {
    key: 'source',
    label: 'Threshold',
    value: (row) => row.source,
    show: (row) => <code>{clip(row.source, 200)}</code>,
  },
  {
    key: 'value',
    label: 'Value',
    number: true,
    width: 14,
    value: (row) => row.value,
    show: value,
    tone: (row) => (row.ok === false ? 'bad' : undefined),
  },
  {
    key: 'abort',
    label: 'Ends the test',
    width: 16,
    value: (row) => (row.abort ? 1 : 0),
    show: (row) => (row.abort ? 'yes' : 'no'),
  },
];

const sort = signal<Sort>({ key: 'verdict', direction: 'up' });

export function Thresholds() {
  return (
    <section class="fill">
      <Table
        label="Thresholds"
        columns={COLUMNS}
        rows={run.thresholds.value}
        id={(row) => `${row.metric}\0${row.source}`}
        sort={sort}
        empty="The test has no thresholds."
      />
    </section>
  );
}
