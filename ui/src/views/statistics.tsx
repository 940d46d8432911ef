// A row for each request name, with Locust's columns and some more.

import { signal, useComputed, useSignal } from '@preact/signals';
import { bytes, clip, count, decimal, millis, percent } from '../model/format';
import { run } from '../model/here';
import { go } from '../model/place';
import { matching, type Sort } from '../model/rows';
import { isTexts, setting } from '../model/settings';
import { ColumnChooser } from '../parts/column-chooser';
import { Filter } from '../parts/filter';
import { Table, type TableColumn } from '../parts/table';
import type { RequestStats } from '../wire';

type Column = TableColumn<RequestStats> & { optional?: boolean };

const failed = (row: RequestStats) => (row.count > 0 ? row.fails / row.count : null);
const bad = (row: RequestStats) => (row.fails > 0 ? 'bad' : undefined);

function numbers(
  key: keyof RequestStats & string,
  label: string,
  title: string,
  show: (value: number | null) => string = millis,
  width = 9,
): Column {
  const value = (row: RequestStats) => row[key] as number | null;
  return { key, label, title, number: true, width, value, show: (row) => show(value(row)) };
}

/** Of what is over the rate of the moment says nothing. */
function rates(key: 'rps' | 'fps', of: 'count' | 'fails', label: string, title: string): Column {
  const value = (row: RequestStats) => {
    const status = run.status.value;
    return status?.state === 'stopped' && status.elapsed > 0 ? row[of] / status.elapsed : row[key];
  };
  return { key, label, title, number: true, width: 9, value, show: (row) => decimal(value(row)) };
}

const COLUMNS: readonly Column[] = [
  {
    key: 'method',
    label: 'Method',
    width: 10,
    value: (row) => row.method,
    show: (row) => clip(row.method, 40),
  },
  {
    key: 'name',
    label: 'Name',
    value: (row) => row.name,
    whole: (row) => clip(row.name, 1000),
    show: (row) =>
      row.id < 0 ? (
        <strong>Aggregated</strong>
      ) : (
        <button
          type="button"
          class="cell-link"
          title="Show its charts"
          onClick={() => go({ tab: 'charts', requests: [row.id] })}
        >
          {clip(row.name, 300)}
        </button>
      ),
  },
  numbers('count', 'Requests', 'Requests that ended', count, 12),
  { ...numbers('fails', 'Fails', 'Requests that failed', count), tone: bad },
  {
    key: 'share',
    label: 'Fail %',
    title: 'Share of requests that failed',
    number: true,
    width: 9,
    value: failed,
    show: (row) => percent(failed(row)),
    tone: bad,
  },
  numbers('median', 'Median', 'Half of the requests took at most so many milliseconds', millis, 10),
  { ...numbers('p90', 'p90', '90 % of the requests took at most so many milliseconds'), optional: true },
  numbers('p95', 'p95', '95 % of the requests took at most so many milliseconds'),
  numbers('p99', 'p99', '99 % of the requests took at most so many milliseconds'),
  numbers('avg', 'Average', 'Mean milliseconds', millis, 11),
  numbers('min', 'Min', 'Least milliseconds'),
  numbers('max', 'Max', 'Most milliseconds'),
  numbers('size', 'Size', 'Mean size of an answer', bytes, 10),
  rates('rps', 'count', 'RPS', 'Requests a second: now, or over the whole run when it is over'),
  {
    ...rates(
      'fps',
      'fails',
      'Fails/s',
      'Failed requests a second: now, or over the whole run when it is over',
    ),
    tone: (row) => ((run.status.value?.state === 'stopped' ? row.fails : row.fps) ? 'bad' : undefined),
  },
];

const hidden = setting(
  'statistics.hidden',
  COLUMNS.filter((one) => one.optional).map((one) => one.key),
  isTexts,
);
const sort = signal<Sort>({ key: 'name', direction: 'up' });
const query = signal('');

export function Statistics() {
  // k6 does not measure the size of single answers.
  const sized = useComputed(() => run.totals.value?.size != null || run.about.value?.kind !== 'k6');
  const columns = useComputed(() =>
    COLUMNS.filter((one) => !hidden.value.includes(one.key) && (one.key !== 'size' || sized.value)),
  );
  const all = run.requests;
  const rows = useComputed(() => matching(all.value, (row) => `${row.method} ${row.name}`, query.value));
  const totals = useComputed(() => {
    const sum = run.totals.value;
    return sum && { ...sum, id: -1, method: '', name: 'Aggregated' };
  });
  const choosing = useSignal(false);
  return (
    <section class="fill">
      <div class="tools">
        <Filter query={query} label="Filter requests" shown={rows.value.length} total={all.value.length} />
        <ColumnChooser columns={COLUMNS} fixed={['name']} hidden={hidden} open={choosing} />
      </div>
      <Table
        label="Statistics per request"
        columns={columns.value}
        rows={rows.value}
        id={(row) => row.id}
        sort={sort}
        foot={totals.value}
        empty={all.value.length ? 'No request matches the filter.' : 'No requests yet.'}
      />
    </section>
  );
}
