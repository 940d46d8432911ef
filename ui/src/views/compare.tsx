// Two runs side by side: a verdict, the difference of each request, and their charts on one axis that begins with both.

import { signal, useComputed, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { compactAxis, msAxis } from '../charts/axes';
import { Chart } from '../charts/chart';
import type { Line } from '../charts/plot';
import { view } from '../charts/view';
import { compareQuery } from '../model/commands';
import { clip, count, dateTime, decimal, latency, NONE, percent, span } from '../model/format';
import { compare, compared, load, runs, tolerance, trouble } from '../model/history';
import { go, place } from '../model/place';
import { matching, type Sort } from '../model/rows';
import { link } from '../model/stream';
import { Filter } from '../parts/filter';
import { Table, type TableColumn } from '../parts/table';
import type { ComparedRow, Comparison, Figures, Judgement, Measured, PastRun } from '../wire';
import { verdict, verdictTone } from './history';

const VERDICTS: Record<Judgement, string> = {
  worse: '✗ Worse than the base',
  better: '✓ Better than the base',
  same: '✓ As the base, within what is tolerated',
  unclear: '? Not enough to say',
  new: 'New',
  gone: 'Gone',
};
const SHORT: Record<Judgement, string> = {
  worse: '✗ worse',
  better: '✓ better',
  same: 'same',
  unclear: 'too few',
  new: 'new',
  gone: 'gone',
};
const TONES: Partial<Record<Judgement, string>> = { worse: 'bad', better: 'good', unclear: 'warn' };
const ORDER: Record<Judgement, number> = { worse: 0, better: 1, new: 2, gone: 3, same: 4, unclear: 5 };

type Key = 'count' | 'rps' | 'failed' | 'p50' | 'p95' | 'p99';

const of = (figures: Figures | null, key: Key): Measured => figures?.[key] ?? null;

/** Growth in percent; `null` where there is nothing to grow from. */
function growth(row: ComparedRow, key: Key): Measured {
  const [before, after] = [of(row.base, key), of(row.run, key)];
  return before !== null && after !== null && before > 0 ? ((after - before) / before) * 100 : null;
}

/** Two digits say how much it is, as the values stand beside it. */
function signed(value: number, unit: string): string {
  const size = Math.abs(value);
  const rounded = size < 10 ? Math.round(size * 10) / 10 : Math.round(size);
  return `${value > 0 ? '+' : value < 0 ? '−' : '±'}${rounded.toLocaleString('en-GB')}${unit}`;
}

/** The value of the run, what the base had, and the difference. */
function Both({ row, of: key, show }: { row: ComparedRow; of: Key; show: (value: Measured) => string }) {
  const [before, after] = [of(row.base, key), of(row.run, key)];
  const grown = growth(row, key);
  const points = before !== null && after !== null ? (after - before) * 100 : null;
  const change = key === 'failed' ? (points ? signed(points, ' pt') : '') : grown ? signed(grown, ' %') : '';
  return (
    <span class="both">
      <b>{show(after)}</b>
      <small>
        {show(before)}
        {change && ` ${change}`}
      </small>
    </span>
  );
}

const milliseconds = (value: Measured) => decimal(value);

const WIDTHS: Partial<Record<Key, number>> = { count: 23, rps: 20, failed: 21 };

function numbers(key: Key, label: string, title: string, show: (value: Measured) => string) {
  return {
    key,
    label,
    title,
    number: true,
    width: WIDTHS[key] ?? 18,
    // Sorted by what changed most.
    value: (row: ComparedRow) => (key === 'failed' ? of(row.run, key) : growth(row, key)),
    show: (row: ComparedRow) => <Both row={row} of={key} show={show} />,
    tone: (row: ComparedRow) => {
      const what = key === 'failed' ? 'failures' : key;
      const found = row.findings.find((one) => one.what === what)?.judgement;
      return found && found !== 'unclear' ? TONES[found] : undefined;
    },
  } satisfies TableColumn<ComparedRow>;
}

/** The request whose charts are shown; all of them if none is. */
const request = signal<{ method: string; name: string } | null>(null);
const sort = signal<Sort>({ key: 'judgement', direction: 'up' });
const query = signal('');

const COLUMNS: readonly TableColumn<ComparedRow>[] = [
  {
    key: 'judgement',
    label: 'Result',
    width: 11,
    value: (row) => ORDER[row.judgement],
    show: (row) => SHORT[row.judgement],
    tone: (row) => TONES[row.judgement],
    whole: (row) => row.findings.map((one) => one.text).join('\n'),
  },
  {
    key: 'method',
    label: 'Method',
    width: 9,
    value: (row) => row.method,
    show: (row) => clip(row.method, 40),
  },
  {
    key: 'name',
    label: 'Name',
    value: (row) => row.name,
    whole: (row) => clip(row.name, 1000),
    show: (row) =>
      row.method === '' && row.name === '' ? (
        <button type="button" class="cell-link" onClick={() => (request.value = null)}>
          <strong>All requests</strong>
        </button>
      ) : (
        <button
          type="button"
          class="cell-link"
          title="Show its charts"
          onClick={() => (request.value = { method: row.method, name: row.name })}
        >
          {clip(row.name, 300)}
        </button>
      ),
  },
  numbers('count', 'Requests', 'Requests that ended; below: the base', count),
  numbers('rps', 'RPS', 'Requests a second, over the whole run', decimal),
  numbers('failed', 'Failed', 'Share of requests that failed; the difference is in points', percent),
  numbers('p50', 'p50', 'Milliseconds', milliseconds),
  numbers('p95', 'p95', 'Milliseconds', milliseconds),
  numbers('p99', 'p99', 'Milliseconds', milliseconds),
];

export function Compare() {
  const [base, other] = place.value.requests;
  const isReport = link.value === 'report';
  const rule = tolerance.value;
  useEffect(() => {
    if (!isReport) load();
    // A part that was zoomed into is of other times.
    view.value = { show: 'all' };
    request.value = null;
    return () => {
      view.value = { show: 'all' };
    };
  }, [isReport]);
  useEffect(() => {
    if (isReport || base === undefined || other === undefined) return;
    compare(base, other, rule);
  }, [isReport, base, other, rule]);
  const both = compared.value;
  const mine = isReport || (both?.comparison.base.id === base && both?.comparison.run.id === other);
  return (
    <section class="charts">
      {!isReport && <Tools base={base} other={other} />}
      {trouble.value && (
        <p class="error" role="alert">
          {clip(trouble.value, 400)}
        </p>
      )}
      {both && mine ? (
        <Shown comparison={both.comparison} />
      ) : (
        !trouble.value && <p class="nothing">Reading…</p>
      )}
    </section>
  );
}

function Shown({ comparison }: { comparison: Comparison }) {
  const rows = useComputed(() =>
    matching(compared.value?.comparison.rows ?? [], (row) => `${row.method} ${row.name}`, query.value),
  );
  return (
    <>
      <Verdict comparison={comparison} />
      <div class="tools">
        <Filter
          query={query}
          label="Filter requests"
          shown={rows.value.length}
          total={comparison.rows.length}
        />
      </div>
      <div class="compared">
        <Table
          label="Difference per request"
          columns={COLUMNS}
          rows={rows.value}
          id={(row) => `${row.method}\0${row.name}`}
          sort={sort}
          foot={comparison.total}
          empty={
            comparison.rows.length ? 'No request matches the filter.' : 'Neither run has made a request.'
          }
        />
      </div>
      <Overlaid />
    </>
  );
}

function Verdict({ comparison }: { comparison: Comparison }) {
  const { judgement, reasons, base, run } = comparison;
  return (
    <div class={`card judged ${TONES[judgement] ?? 'good'}`}>
      <p class="verdict" role="status">
        {VERDICTS[judgement]}
      </p>
      {reasons.length > 0 && (
        <ul>
          {reasons.slice(0, 8).map((reason) => (
            <li key={reason}>{clip(reason, 300)}</li>
          ))}
          {reasons.length > 8 && <li class="muted">and {count(reasons.length - 8)} more</li>}
        </ul>
      )}
      <div class="sides">
        <About title="Base" run={base} colour="--mean" />
        <About title="Run" run={run} colour="--accent" />
      </div>
      {base.checksum !== run.checksum && base.checksum !== '' && run.checksum !== '' && (
        <p class="muted">The script changed between the two runs.</p>
      )}
    </div>
  );
}

function About({ title, run, colour }: { title: string; run: PastRun; colour: string }) {
  const name = run.id === null ? clip(run.name, 120) : `#${run.id} ${clip(run.name, 120)}`;
  return (
    <div>
      <h3>
        <i style={{ background: `var(${colour})` }} />
        {title}: {run.id === null || link.value === 'report' ? name : <Opens id={run.id}>{name}</Opens>}
      </h3>
      <p class="muted">
        {run.started_at ? dateTime(run.started_at) : 'from a file'}, {span(run.elapsed)},{' '}
        {count(run.requests)} requests,{' '}
        <span class={verdictTone(run)}>{run.verdict ? verdict(run) : NONE}</span>
      </p>
    </div>
  );
}

function Opens({ id, children }: { id: number; children: ComponentChildren }) {
  return (
    <button
      type="button"
      class="link"
      title={`Open run ${id}`}
      onClick={() => go({ past: id, tab: 'statistics', requests: [] })}
    >
      {children}
    </button>
  );
}

function Overlaid() {
  const pair = compared.value?.pair;
  if (!pair) return null;
  const one = request.value;
  const timeline = one ? pair.request(one.method, one.name) : pair.run.timeline;
  const has = (column: string) =>
    timeline.columns.has(`base:${column}`) || timeline.columns.has(`run:${column}`);
  const lines = (column: string): Line[] => [
    { label: 'base', colour: '--mean', column: () => timeline.columns.get(`base:${column}`) },
    { label: 'run', colour: '--accent', column: () => timeline.columns.get(`run:${column}`) },
  ];
  const chart = (
    title: string,
    column: string,
    format: (value: Measured | undefined) => string,
    ms = false,
  ) =>
    has(column) && (
      <Chart
        key={`${one?.method}\0${one?.name}\0${column}`}
        title={title}
        run={pair.run}
        lines={lines(column)}
        format={format}
        axis={ms ? msAxis : compactAxis}
        height={150}
        relative
      />
    );
  return (
    <>
      <h2 class="over">
        {one ? `${clip(one.method, 20)} ${clip(one.name, 120)}` : 'All requests'}
        {one && (
          <button type="button" class="link" onClick={() => (request.value = null)}>
            show all requests
          </button>
        )}
      </h2>
      {timeline.columns.size === 0 && (
        <p class="muted">What was kept of the runs does not have the timelines of this request.</p>
      )}
      {chart('Requests per second', 'rps', decimal)}
      {chart('Failures per second', 'fps', decimal)}
      {chart('Response times, p50', 'p50', latency, true)}
      {chart('Response times, p95', 'p95', latency, true)}
      {chart('Response times, p99', 'p99', latency, true)}
      {chart('Users', 'users', count)}
    </>
  );
}

const PART = /^(p95|failures)=([\d.]+)/;

/** What the two fields show of the rule; what else it has stays in it. */
function field(rule: string, name: 'p95' | 'failures'): string {
  for (const part of rule.split(',')) {
    const found = PART.exec(part.trim());
    if (found?.[1] === name) return found[2] ?? '';
  }
  return '';
}

function Tools({ base, other }: { base: number | undefined; other: number | undefined }) {
  const p95 = useSignal(field(tolerance.peek(), 'p95'));
  const failures = useSignal(field(tolerance.peek(), 'failures'));
  const all = (runs.value ?? []).filter((row) => row.id !== null);
  const choose = (label: string, value: number | undefined, take: (id: number) => void) => (
    <label class="inline">
      {label}
      <select value={String(value ?? '')} onChange={(event) => take(Number(event.currentTarget.value))}>
        {!all.some((row) => row.id === value) && <option value={String(value ?? '')}>{value ?? ''}</option>}
        {all.map((row) => (
          <option key={row.id} value={String(row.id)}>
            #{row.id} {clip(row.name, 40)}
            {row.baseline ? ' (baseline)' : ''}
          </option>
        ))}
      </select>
    </label>
  );
  const apply = () => {
    const rule = (value: string, name: string, unit: string) =>
      value.trim() === '' ? `${name}=off` : `${name}=${value.trim()}${unit}`;
    tolerance.value = `${rule(p95.value, 'p95', '%')},${rule(failures.value, 'failures', '')}`;
  };
  const number = (label: string, value: typeof p95, unit: string) => (
    <label class="inline">
      {label} +
      <input
        type="number"
        min="0"
        step="any"
        class="short"
        value={value.value}
        onInput={(event) => {
          value.value = event.currentTarget.value;
        }}
        onChange={apply}
      />
      {unit}
    </label>
  );
  const go2 = (a: number, b: number) => go({ tab: 'compare', requests: [a, b] });
  return (
    <div class="tools">
      {choose('Base', base, (id) => go2(id, other ?? id))}
      <button
        type="button"
        class="icon"
        title="Swap them"
        aria-label="Swap them"
        onClick={() => base !== undefined && other !== undefined && go2(other, base)}
      >
        ⇄
      </button>
      {choose('Run', other, (id) => go2(base ?? id, id))}
      <span class="inline end">Tolerated:</span>
      {number('p95', p95, '%')}
      {number('failures', failures, 'points')}
      {base !== undefined && other !== undefined && (
        <a
          class="button"
          href={`api/v1/${compareQuery('compare/report', base, other, tolerance.value)}`}
          download=""
        >
          Report
        </a>
      )}
    </div>
  );
}
