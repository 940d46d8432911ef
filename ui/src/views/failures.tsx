// Why requests failed: one row for each error of each request.

import { signal, useComputed, useSignal } from '@preact/signals';
import { clip, clock, count, dateTime } from '../model/format';
import { run } from '../model/here';
import { matching, type Sort } from '../model/rows';
import { Dialog } from '../parts/dialog';
import { Filter } from '../parts/filter';
import { Table, type TableColumn } from '../parts/table';
import type { Failure } from '../wire';

const sort = signal<Sort>({ key: 'count', direction: 'down' });
const query = signal('');

export function Failures() {
  const opened = useSignal<Failure | null>(null);
  const columns = useComputed<readonly TableColumn<Failure>[]>(() => [
    {
      key: 'count',
      label: 'Failures',
      number: true,
      width: 12,
      value: (row) => row.count,
      show: (row) => count(row.count),
    },
    {
      key: 'method',
      label: 'Method',
      width: 11,
      value: (row) => row.method,
      show: (row) => clip(row.method, 40),
    },
    {
      key: 'name',
      label: 'Name',
      value: (row) => row.name,
      show: (row) => clip(row.name, 300),
      whole: (row) => clip(row.name, 1000),
    },
    {
      key: 'error',
      label: 'Error',
      value: (row) => row.error,
      show: (row) => (
        <button type="button" class="cell-link" title="Show all of it" onClick={() => (opened.value = row)}>
          {clip(row.error, 300)}
        </button>
      ),
    },
    {
      key: 'first',
      label: 'First',
      width: 12,
      value: (row) => row.first,
      show: (row) => clock(row.first),
      whole: (row) => dateTime(row.first),
    },
    {
      key: 'last',
      label: 'Last',
      width: 12,
      value: (row) => row.last,
      show: (row) => clock(row.last),
      whole: (row) => dateTime(row.last),
    },
  ]);
  const rows = useComputed(() =>
    matching(run.failures.value, (row) => `${row.method} ${row.name} ${row.error}`, query.value),
  );
  const all = run.failures.value.length;
  const detail = opened.value;
  return (
    <section class="fill">
      <div class="tools">
        <Filter query={query} label="Filter failures" shown={rows.value.length} total={all} />
      </div>
      <Table
        label="Failures"
        columns={columns.value}
        rows={rows.value}
        id={(row) => `${row.method}\0${row.name}\0${row.error}`}
        sort={sort}
        empty={all ? 'No failure matches the filter.' : 'No request has failed.'}
      />
      {detail && (
        <Dialog title={`${count(detail.count)} failures`} wide onClose={() => (opened.value = null)}>
          <h3>Request</h3>
          <pre>{`${detail.method} ${detail.name}`}</pre>
          <h3>Error</h3>
          <pre>{detail.error}</pre>
          <p class="muted">
            First {dateTime(detail.first)} · last {dateTime(detail.last)}
          </p>
        </Dialog>
      )}
    </section>
  );
}
