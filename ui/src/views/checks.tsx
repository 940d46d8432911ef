// The script's checks, and how many of them passed.

import { signal, useComputed } from '@preact/signals';
import { clip, count, percent } from '../model/format';
import { run } from '../model/here';
import { matching, type Sort } from '../model/rows';
import { Filter } from '../parts/filter';
import { Share } from '../parts/share';
import { Table, type TableColumn } from '../parts/table';
import type { Check } from '../wire';

const share = (row: Check) => (row.passes + row.fails > 0 ? row.passes / (row.passes + row.fails) : null);
const bad = (row: Check) => (row.fails > 0 ? 'bad' : undefined);

const COLUMNS: readonly TableColumn<Check>[] = [
  {
    key: 'group',
    label: 'Group',
    width: 20,
    value: (row) => row.group,
    show: (row) => clip(group(row.group), 200),
  },
  {
    key: 'name',
    label: 'Check',
    value: (row) => row.name,
    show: (row) => clip(row.name, 300),
    whole: (row) => clip(row.name, 1000),
  },
  {
    key: 'passes',
    label: 'Passes',
    number: true,
    width: 12,
    value: (row) => row.passes,
    show: (row) => count(row.passes),
  },
  {
    key: 'fails',
    label: 'Fails',
    number: true,
    width: 12,
    value: (row) => row.fails,
    show: (row) => count(row.fails),
    tone: bad,
  },
  {
    key: 'share',
    label: 'Passed',
    number: true,
    width: 22,
    value: share,
    tone: bad,
    show: (row) => (
      <>
        <Share value={share(row)} />
        <span>{percent(share(row))}</span>
      </>
    ),
  },
];

/** k6 writes groups as `::outer::inner`. */
const group = (path: string) => path.split('::').filter(Boolean).join(' › ');

const sort = signal<Sort>({ key: '', direction: 'up' });
const query = signal('');

export function Checks() {
  const rows = useComputed(() =>
    matching(run.checks.value, (row) => `${row.group} ${row.name}`, query.value),
  );
  const all = run.checks.value.length;
  return (
    <section class="fill">
      <div class="tools">
        <Filter query={query} label="Filter checks" shown={rows.value.length} total={all} />
      </div>
      <Table
        label="Checks"
        columns={COLUMNS}
        rows={rows.value}
        id={(row) => `${row.group}\0${row.name}`}
        sort={sort}
        empty={all ? 'No check matches the filter.' : 'No check has run.'}
      />
    </section>
  );
}
