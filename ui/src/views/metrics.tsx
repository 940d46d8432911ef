// All metrics of a k6 run, built in and the script's own: a table for each kind of metric, as each has other values.

import { signal, useComputed } from '@preact/signals';
import { bytes, clip, count, decimal, latency, percent } from '../model/format';
import { run } from '../model/here';
import { matching } from '../model/rows';
import { Filter } from '../parts/filter';
import type { Measured, Metric } from '../wire';

const KINDS: readonly [Metric['type'], string][] = [
  ['trend', 'Trends'],
  ['counter', 'Counters'],
  ['rate', 'Rates'],
  ['gauge', 'Gauges'],
];
/** The usual order; values with other names come after. */
const ORDER = [
  'count',
  'rate',
  'passes',
  'fails',
  'value',
  'avg',
  'min',
  'med',
  'p(50)',
  'p(90)',
  'p(95)',
  'p(99)',
  'max',
];

function show(metric: Metric, key: string, value: Measured | undefined): string {
  if (metric.type === 'rate' && (key === 'rate' || key === 'value')) return percent(value);
  if (key === 'passes' || key === 'fails' || (key === 'count' && metric.type === 'trend'))
    return count(value);
  if (metric.contains === 'data')
    return `${bytes(value)}${metric.type === 'counter' && key === 'rate' ? '/s' : ''}`;
  if (metric.contains === 'time' && metric.type !== 'counter') return latency(value);
  if (metric.type === 'counter' && key === 'count') return count(value);
  if (metric.type === 'gauge' && Number.isInteger(value)) return count(value);
  return `${decimal(value)}${metric.type === 'counter' && key === 'rate' ? '/s' : ''}`;
}

const place = (key: string) => (ORDER.includes(key) ? ORDER.indexOf(key) : ORDER.length);
const query = signal('');

export function Metrics() {
  const rows = useComputed(() => matching(run.metrics.value, (row) => row.name, query.value));
  const all = run.metrics.value.length;
  return (
    <section class="list">
      <div class="tools">
        <Filter query={query} label="Filter metrics" shown={rows.value.length} total={all} />
      </div>
      {all === 0 && <p class="nothing">Nothing has been measured yet.</p>}
      {KINDS.map(([kind, title]) => {
        const metrics = rows.value.filter((one) => one.type === kind);
        if (metrics.length === 0) return null;
        const keys = [...new Set(metrics.flatMap((one) => Object.keys(one.values)))].sort(
          (a, b) => place(a) - place(b) || a.localeCompare(b, 'en', { numeric: true }),
        );
        return (
          <div key={kind} class="card table-card">
            <table class="plain">
              <caption>{title}</caption>
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  {keys.map((key) => (
                    <th key={key} scope="col" class="number">
                      {clip(key, 20)}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {metrics.map((one) => (
                  <tr key={one.name}>
                    <th scope="row" title={clip(one.name, 1000)}>
                      {clip(one.name, 120)}
                    </th>
                    {keys.map((key) => (
                      <td key={key} class="number">
                        {show(one, key, one.values[key])}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        );
      })}
    </section>
  );
}
