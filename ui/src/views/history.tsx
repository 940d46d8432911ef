// The runs that were kept: open one, mark it, put two side by side, delete.

import { signal, useComputed, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { deleteRun, renameRun, setBaseline } from '../model/commands';
import { clip, count, dateTime, decimal, latency, NONE, percent, span } from '../model/format';
import { load, runs, trouble } from '../model/history';
import { go, place } from '../model/place';
import { matching, type Sort } from '../model/rows';
import { Dialog } from '../parts/dialog';
import { Filter } from '../parts/filter';
import { Table, type TableColumn } from '../parts/table';
import type { PastRun } from '../wire';

/** A run of the list always has a number. */
type Kept = PastRun & { id: number };

const sort = signal<Sort>({ key: 'id', direction: 'down' });
const query = signal('');
/** Those that are to be compared, in the order in which they were chosen. */
const chosen = signal<readonly number[]>([]);

const failed = (row: PastRun) => (row.requests > 0 ? row.failures / row.requests : null);

const WORDS = { passed: '✓ passed', failed: '✗ failed', stopped: '■ stopped', broken: '✗ error' };
const TONES = { passed: 'good', failed: 'bad', stopped: 'warn', broken: 'bad' };

export const verdict = (row: PastRun) => (row.verdict ? WORDS[row.verdict] : NONE);
export const verdictTone = (row: PastRun) => (row.verdict ? TONES[row.verdict] : undefined);

function choose(id: number, on: boolean): void {
  const others = chosen.value.filter((one) => one !== id);
  chosen.value = on ? [...others, id].slice(-2) : others;
}

function columns(open: (row: Kept) => void): readonly TableColumn<Kept>[] {
  return [
    {
      key: 'chosen',
      label: 'Compare',
      width: 11,
      value: (row) => (chosen.value.includes(row.id) ? 1 : 0),
      show: (row) => (
        <input
          type="checkbox"
          aria-label={`Compare run ${row.id}`}
          checked={chosen.value.includes(row.id)}
          onChange={(event) => choose(row.id, event.currentTarget.checked)}
        />
      ),
    },
    { key: 'id', label: 'Run', number: true, width: 7, value: (row) => row.id, show: (row) => row.id },
    {
      key: 'name',
      label: 'Name',
      value: (row) => row.name,
      whole: (row) => `${clip(row.name, 300)} – ${clip(row.file, 300)}`,
      show: (row) => (
        <button
          type="button"
          class="cell-link"
          title={`Open run ${row.id}`}
          onClick={() => go({ past: row.id, tab: 'statistics', requests: [] })}
        >
          {clip(row.name, 200)}
          {row.baseline && <span class="badge plain">baseline</span>}
          {place.value.past === row.id && <span class="badge plain">open</span>}
        </button>
      ),
    },
    {
      key: 'began',
      label: 'Began',
      width: 21,
      value: (row) => row.started_at,
      show: (row) => dateTime(row.started_at),
    },
    {
      key: 'took',
      label: 'Took',
      number: true,
      width: 12,
      value: (row) => row.elapsed,
      show: (row) => span(row.elapsed),
    },
    {
      key: 'verdict',
      label: 'Result',
      width: 12,
      value: (row) => row.verdict,
      show: verdict,
      tone: verdictTone,
      whole: (row) => (row.exit_code === null ? 'no exit code' : `exit code ${row.exit_code}`),
    },
    {
      key: 'requests',
      label: 'Requests',
      number: true,
      width: 12,
      value: (row) => row.requests,
      show: (row) => count(row.requests),
    },
    {
      key: 'rps',
      label: 'RPS',
      title: 'Requests a second, over the whole run',
      number: true,
      width: 9,
      value: (row) => row.rps,
      show: (row) => decimal(row.rps),
    },
    {
      key: 'share',
      label: 'Fail %',
      number: true,
      width: 9,
      value: failed,
      show: (row) => percent(failed(row)),
      tone: (row) => (row.failures > 0 ? 'bad' : undefined),
    },
    {
      key: 'p95',
      label: 'p95',
      number: true,
      width: 11,
      value: (row) => row.p95,
      show: (row) => latency(row.p95),
    },
    {
      key: 'more',
      label: 'Details',
      width: 10,
      value: () => null,
      show: (row) => (
        <button type="button" class="link" aria-label={`More of run ${row.id}`} onClick={() => open(row)}>
          more…
        </button>
      ),
    },
  ];
}

export function History() {
  useEffect(load, []);
  const opened = useSignal<number | null>(null);
  const all = useComputed(() => (runs.value ?? []).filter((row): row is Kept => row.id !== null));
  const rows = useComputed(() => matching(all.value, (row) => `${row.name} ${row.file}`, query.value));
  const shown = useComputed(() => {
    // The boxes are part of the cells.
    void [chosen.value, place.value];
    return columns((row) => {
      opened.value = row.id;
    });
  });
  const detail = all.value.find((row) => row.id === opened.value);
  const there = chosen.value.filter((id) => all.value.some((row) => row.id === id));
  return (
    <section class="fill">
      <div class="tools">
        <Filter query={query} label="Filter runs" shown={rows.value.length} total={all.value.length} />
        <Compare ids={there} all={all.value} />
      </div>
      {trouble.value && (
        <p class="error" role="alert">
          {clip(trouble.value, 400)}
        </p>
      )}
      <Table
        label="Past runs"
        columns={shown.value}
        rows={rows.value}
        id={(row) => row.id}
        sort={sort}
        empty={
          runs.value === null
            ? 'Reading…'
            : all.value.length
              ? 'No run matches the filter.'
              : 'No run has been kept yet. A run is kept when it ends.'
        }
      />
      {detail && <Detail run={detail} onClose={() => (opened.value = null)} />}
    </section>
  );
}

/** Two chosen runs, or one and the baseline of its script. */
function Compare({ ids, all }: { ids: readonly number[]; all: readonly Kept[] }) {
  const [one] = ids;
  const only = ids.length === 1 ? all.find((row) => row.id === one) : undefined;
  const base = only && all.find((row) => row.baseline && row.file === only.file && row.kind === only.kind);
  // The older one is what the newer is judged against.
  const pair =
    ids.length === 2
      ? [...ids].sort((a, b) => a - b)
      : base && only && base.id !== only.id
        ? [base.id, only.id]
        : [];
  const [before, after] = pair;
  const hint = ids.length === 0 ? 'Tick two runs to compare them.' : 'Tick another run, or mark a baseline.';
  return (
    <div class="inline end">
      {pair.length === 0 && <span class="muted">{hint}</span>}
      <button
        type="button"
        class="primary"
        disabled={pair.length === 0}
        onClick={() => go({ past: null, tab: 'compare', requests: [before as number, after as number] })}
      >
        {pair.length
          ? `Compare ${after} with ${ids.length === 1 ? 'its baseline ' : ''}${before}`
          : 'Compare'}
      </button>
    </div>
  );
}

function Detail({ run, onClose }: { run: Kept; onClose: () => void }) {
  const name = useSignal(run.name);
  const error = useSignal<string | null>(null);
  const asked = useSignal(false);
  const does = (command: Promise<unknown>, after: () => void = () => {}) => {
    command.then(
      () => {
        error.value = null;
        load();
        after();
      },
      (failed: Error) => {
        error.value = failed.message;
      },
    );
  };
  return (
    <Dialog title={`Run ${run.id}`} onClose={onClose}>
      <dl class="facts">
        <dt>Script</dt>
        <dd>{clip(run.file, 400) || NONE}</dd>
        <dt>Checksum</dt>
        <dd>
          <code>{run.checksum || NONE}</code>
        </dd>
        <dt>Began</dt>
        <dd>
          {dateTime(run.started_at)}, took {span(run.elapsed)}
        </dd>
        <dt>Result</dt>
        <dd class={verdictTone(run)}>
          {verdict(run)}
          {run.exit_code !== null && `, exit code ${run.exit_code}`}
        </dd>
        <dt>Requests</dt>
        <dd>
          {count(run.requests)}, {count(run.failures)} failed; p50 {latency(run.median)}, p95{' '}
          {latency(run.p95)}, p99 {latency(run.p99)}
        </dd>
      </dl>
      <form
        class="rename"
        onSubmit={(event) => {
          event.preventDefault();
          does(renameRun(run.id, name.value));
        }}
      >
        <label class="inline">
          Name
          <input
            value={name.value}
            maxLength={200}
            onInput={(event) => {
              name.value = event.currentTarget.value;
            }}
          />
        </label>
        <button type="submit" disabled={name.value.trim() === '' || name.value === run.name}>
          Rename
        </button>
      </form>
      {error.value && (
        <p class="error" role="alert">
          {clip(error.value, 300)}
        </p>
      )}
      <footer class="buttons">
        <a class="button" href={`api/v1/history/${run.id}/report`} download="">
          Report
        </a>
        <a class="button" href={`api/v1/history/${run.id}/snapshot`} download={`run-${run.id}.json`}>
          JSON
        </a>
        <button type="button" onClick={() => does(setBaseline(run.id, !run.baseline))}>
          {run.baseline ? 'No baseline any more' : 'Make it the baseline'}
        </button>
        {asked.value ? (
          <button type="button" class="danger" onClick={() => does(deleteRun(run.id), onClose)}>
            Yes, delete run {run.id}
          </button>
        ) : (
          <button type="button" class="danger" onClick={() => (asked.value = true)}>
            Delete
          </button>
        )}
      </footer>
    </Dialog>
  );
}
