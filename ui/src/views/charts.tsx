// The run over time: in total, for one request, or several requests against each other.

import { effect, signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { compactAxis as axis, msAxis } from '../charts/axes';
import { Chart } from '../charts/chart';
import { COMPARED } from '../charts/colours';
import { markColour } from '../charts/marks';
import type { Line } from '../charts/plot';
import { move, type View, view } from '../charts/view';
import { requestTimeline } from '../model/commands';
import { clip, clock, count, decimal, latency } from '../model/format';
import { run } from '../model/here';
import { go, MAX_COMPARED, place } from '../model/place';
import { isTexts, setting } from '../model/settings';
import { link } from '../model/stream';
import type { Timeline } from '../model/timeline';
import { RequestPicker } from '../parts/request-picker';
import { Scaling, Watched } from './watched';

const rate = (value: number | null | undefined) => decimal(value);

const TIMES: readonly { column: string; label: string; colour: string }[] = [
  { column: 'p50', label: 'p50', colour: '--p50' },
  { column: 'p75', label: 'p75', colour: '--p75' },
  { column: 'p90', label: 'p90', colour: '--p90' },
  { column: 'p95', label: 'p95', colour: '--p95' },
  { column: 'p99', label: 'p99', colour: '--p99' },
  { column: 'max', label: 'max', colour: '--max' },
  { column: 'mean', label: 'mean', colour: '--mean' },
];

const hiddenTimes = setting('charts.hidden', ['mean'], isTexts);
const failedToLoad = signal<string | null>(null);

const toggleTime = (label: string) => {
  const now = hiddenTimes.value;
  hiddenTimes.value = now.includes(label) ? now.filter((one) => one !== label) : [...now, label];
};

/** Asks for the timelines of the requests in the URL that are not there yet; once per snapshot. */
function watchRequests(): () => void {
  const asked = new Set<number>();
  let epoch = -1;
  return effect(() => {
    const wanted = place.value.requests;
    if (run.epoch.value !== epoch) {
      epoch = run.epoch.value;
      asked.clear();
    }
    if (link.value !== 'live') return;
    for (const id of wanted) {
      if (asked.has(id) || !run.request(id)) continue;
      asked.add(id);
      run.watch(id);
      const before = epoch;
      requestTimeline(id).then(
        (timeline) => {
          if (before === run.epoch.peek()) run.requestTimeline(id, timeline);
          failedToLoad.value = null;
        },
        (error: Error) => {
          failedToLoad.value = error.message;
        },
      );
    }
  });
}

const ratesOf = (timeline: () => Timeline | undefined): Line[] => [
  { label: 'requests/s', colour: '--rps', column: () => timeline()?.columns.get('rps'), filled: true },
  { label: 'failures/s', colour: '--fps', column: () => timeline()?.columns.get('fps'), filled: true },
];

/** The percentiles that a timeline has. */
const timesOf = (timeline: () => Timeline | undefined): Line[] =>
  TIMES.filter(({ column }) => timeline()?.columns.has(column)).map(({ column, label, colour }) => ({
    label,
    colour,
    column: () => timeline()?.columns.get(column),
  }));

function users(): Line[] {
  const name = run.about.value?.kind === 'k6' ? 'VUs' : 'users';
  return [
    { label: name, colour: '--users', column: () => run.timeline.columns.get('users'), filled: true },
    { label: 'target', colour: '--mean', column: () => run.timeline.columns.get('target'), dashed: true },
  ];
}

export function Charts() {
  useEffect(watchRequests, []);
  // A request's lines exist once its timeline is there.
  void run.drawn.value;
  const ids = place.value.requests.filter((id) => run.request(id));
  const [first] = ids;
  const timeline = () => (first === undefined ? run.timeline : run.timelines.get(first));
  return (
    <section class="charts">
      <Tools ids={ids} />
      {ids.length > 0 && <Chosen ids={ids} />}
      {failedToLoad.value && ids.length > 0 && (
        <p class="error" role="alert">
          The request's timeline could not be loaded: {clip(failedToLoad.value, 200)}
        </p>
      )}
      {(link.value === 'report' || link.value === 'past') && ids.some((id) => !run.timelines.has(id)) && (
        <p class="muted">What was kept of this run does not have the timelines of single requests.</p>
      )}
      {run.timeline.length === 0 ? (
        <p class="nothing">Nothing has been measured yet.</p>
      ) : ids.length > 1 ? (
        <Comparison ids={ids} />
      ) : (
        <>
          <Chart title="Requests per second" lines={ratesOf(timeline)} format={rate} axis={axis} />
          <Chart
            title="Response times"
            lines={timesOf(timeline)}
            format={latency}
            axis={msAxis}
            hidden={hiddenTimes.value}
            onToggle={toggleTime}
          />
        </>
      )}
      {run.timeline.length > 0 && (
        <Chart
          title={run.about.value?.kind === 'k6' ? 'Virtual users' : 'Users'}
          lines={users()}
          format={count}
          axis={axis}
          height={120}
        />
      )}
      <Watched />
      <Scaling />
      <Marks />
    </section>
  );
}

function Comparison({ ids }: { ids: readonly number[] }) {
  const lines = (column: string): Line[] =>
    ids.map((id, index) => ({
      label: nameOf(id),
      colour: COMPARED[index] ?? '--mean',
      column: () => run.timelines.get(id)?.columns.get(column),
    }));
  return (
    <>
      <Chart title="Requests per second" lines={lines('rps')} format={rate} axis={axis} />
      <Chart title="Failures per second" lines={lines('fps')} format={rate} axis={axis} />
      {['p50', 'p95', 'p99'].map((column) => (
        <Chart
          key={column}
          title={`Response times, ${column}`}
          lines={lines(column)}
          format={latency}
          axis={msAxis}
        />
      ))}
    </>
  );
}

function nameOf(id: number): string {
  const request = run.request(id);
  return request ? `${clip(request.method, 20)} ${clip(request.name, 60)}` : `request ${id}`;
}

function Chosen({ ids }: { ids: readonly number[] }) {
  const choose = (requests: readonly number[]) => go({ tab: 'charts', requests });
  return (
    <ul class="chips">
      {ids.map((id, index) => {
        const request = run.request(id);
        return (
          <li key={id}>
            {ids.length > 1 && <i style={{ background: `var(${COMPARED[index]})` }} />}
            <span title={clip(request?.name ?? '', 1000)}>{nameOf(id)}</span>
            <button
              type="button"
              class="icon"
              aria-label={`Remove ${nameOf(id)}`}
              onClick={() => choose(ids.filter((one) => one !== id))}
            >
              ✕
            </button>
          </li>
        );
      })}
      <li class="plain">
        <button type="button" class="link" onClick={() => choose([])}>
          show the total
        </button>
      </li>
    </ul>
  );
}

const WINDOWS: readonly [string, View][] = [
  ['Whole run', { show: 'all' }],
  ['Last minute', { show: 'last', seconds: 60 }],
  ['Last 5 minutes', { show: 'last', seconds: 300 }],
  ['Last 15 minutes', { show: 'last', seconds: 900 }],
  ['Last hour', { show: 'last', seconds: 3600 }],
];

function Tools({ ids }: { ids: readonly number[] }) {
  const now = view.value;
  const name = WINDOWS.findIndex(([, one]) => JSON.stringify(one) === JSON.stringify(now));
  const step = (label: string, sign: string, factor: number, shift: number) => (
    <button
      type="button"
      class="icon"
      aria-label={label}
      title={label}
      onClick={() => move(run.timeline, factor, shift)}
    >
      {sign}
    </button>
  );
  return (
    <div class="tools">
      <RequestPicker
        chosen={ids}
        full={ids.length >= MAX_COMPARED}
        onChoose={(id) => go({ tab: 'charts', requests: [...ids, id] })}
      />
      <label class="inline end">
        <span class="unseen">Time shown</span>
        <select
          value={String(name)}
          onChange={(event) => {
            view.value = WINDOWS[Number(event.currentTarget.value)]?.[1] ?? { show: 'all' };
          }}
        >
          {now.show === 'part' && (
            <option value="-1">
              {clock(now.from * 1000)} – {clock(now.to * 1000)}
            </option>
          )}
          {WINDOWS.map(([label], index) => (
            <option key={label} value={String(index)}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <div class="group">
        {step('Earlier', '‹', 1, -0.25)}
        {step('Zoom out', '−', 2, 0)}
        {step('Zoom in', '+', 0.5, 0)}
        {step('Later', '›', 1, 0.25)}
      </div>
    </div>
  );
}

function Marks() {
  const marks = run.marks.value;
  if (marks.length === 0) return null;
  return (
    <details class="marks">
      <summary>Events ({count(marks.length)})</summary>
      <ol>
        {marks
          .slice(-200)
          .reverse()
          .map((mark) => (
            <li key={`${mark.at}${mark.kind}${mark.text}`}>
              <i style={{ background: `var(${markColour(mark.kind)})` }} />
              <time>{clock(mark.at)}</time>
              <span>{clip(mark.text, 300)}</span>
            </li>
          ))}
      </ol>
    </details>
  );
}
