import { describe, expect, it } from 'vitest';
import type { LogLine, RequestStats, Snapshot, Tick } from '../wire';
import { MAX_LOGS, Run, watchedColumn } from './run';

const stats = (id: number, name: string, count: number): RequestStats => ({
  id,
  method: 'GET',
  name,
  count,
  fails: 0,
  rps: 1,
  fps: 0,
  avg: 5,
  min: 1,
  max: 9,
  median: 4,
  p90: 8,
  p95: 8,
  p99: 9,
  size: 100,
});

const snapshot = (change: Partial<Snapshot> = {}): Snapshot => ({
  throng: '0.1.0',
  kind: 'locust',
  file: 'locustfile.py',
  host: null,
  state: 'running',
  started_at: 1_000_000,
  ended_at: null,
  now: 1_003_000,
  elapsed: 3,
  planned: null,
  can: ['stop'],
  form: {},
  users: { now: 2, target: 2, max: 2, by_class: {} },
  workers: [],
  totals: stats(-1, 'Aggregated', 30),
  requests: [stats(0, '/', 20), stats(1, '/b', 10)],
  failures: [{ method: 'GET', name: '/b', error: 'refused', count: 1, first: null, last: null }],
  exceptions: [],
  checks: [],
  thresholds: [],
  scenarios: [],
  metrics: [],
  task_ratio: null,
  lag: null,
  saturated: null,
  scaling: [],
  timeline: { start: 1_000_000, step: 1, users: [1, 2, 2], rps: [5, 10, 15], p50: [null, 4, 5] },
  marks: [],
  logs: [],
  ...change,
});

const tick = (change: Partial<Tick> = {}): Tick => ({
  now: 1_004_000,
  elapsed: 4,
  state: 'running',
  can: ['stop'],
  users: { now: 2, target: 2, max: 2, by_class: {} },
  totals: stats(-1, 'Aggregated', 40),
  requests: [],
  ...change,
});

const started = () => {
  const run = new Run();
  run.snapshot(snapshot());
  return run;
};

describe('the run', () => {
  it('ignores a tick before the first snapshot', () => {
    const run = new Run();
    run.tick(tick());
    expect(run.status.value).toBeNull();
  });

  it('replaces only the requests that a tick names', () => {
    const run = started();
    run.tick(tick({ requests: [stats(1, '/b', 12), stats(2, '/new', 1)] }));
    expect(run.requests.value.map((row) => [row.id, row.count])).toEqual([
      [0, 20],
      [1, 12],
      [2, 1],
    ]);
    expect(run.request(1)?.count).toBe(12);
  });

  it('keeps the list of requests when none changed, so that tables need not be drawn again', () => {
    const run = started();
    const before = run.requests.value;
    run.tick(tick());
    expect(run.requests.value).toBe(before);
  });

  it('counts a failure with the same request and error on, and adds others', () => {
    const run = started();
    const failure = { method: 'GET', name: '/b', first: null, last: null };
    run.tick(
      tick({
        failures: [
          { ...failure, error: 'refused', count: 3 },
          { ...failure, error: 'reset', count: 1 },
        ],
      }),
    );
    expect(run.failures.value.map((one) => [one.error, one.count])).toEqual([
      ['refused', 3],
      ['reset', 1],
    ]);
  });

  it('leaves tables alone that a tick does not bring', () => {
    const run = started();
    const worker = { id: 'a', state: 'ready', users: 0, cpu: null, memory: null, lag: null };
    run.tick(tick({ workers: [worker] }));
    run.tick(tick());
    expect(run.workers.value).toEqual([worker]);
    run.tick(tick({ saturated: 'no core left' }));
    run.tick(tick({ saturated: null }));
    expect(run.saturated.value).toBeNull();
  });

  it('appends the second of a tick and amends earlier ones', () => {
    const run = started();
    run.tick(
      tick({
        point: { index: 3, users: 2, rps: 20, p50: 6 },
        amend: [{ index: 1, users: 2, rps: 11, p50: 4 }],
      }),
    );
    expect(run.timeline.columns.get('rps')).toEqual([5, 11, 15, 20]);
    expect(run.timeline.columns.get('p50')).toEqual([null, 4, 5, 6]);
  });

  it('fills seconds that it was not told with nothing', () => {
    const run = started();
    run.tick(tick({ point: { index: 5, rps: 20 } }));
    expect(run.timeline.columns.get('rps')).toEqual([5, 10, 15, null, null, 20]);
    expect(run.timeline.columns.get('users')).toEqual([1, 2, 2, null, null, null]);
  });

  it('continues the timelines of watched requests only', () => {
    const run = started();
    run.requestTimeline(1, { from: 1, rps: [3, 4], p50: [null, 2] });
    run.tick(
      tick({
        per_request: [
          { id: 0, index: 3, rps: 1 },
          { id: 1, index: 3, rps: 9 },
        ],
      }),
    );
    expect(run.timelines.get(1)?.columns.get('rps')).toEqual([null, 3, 4, 9]);
    expect(run.timelines.has(0)).toBe(false);
  });

  it('keeps what ticks said of a request while its timeline was on its way', () => {
    const run = started();
    run.watch(1);
    run.tick(tick({ per_request: [{ id: 1, index: 3, rps: 9 }] }));
    run.requestTimeline(1, { from: 0, rps: [1, 2, 3] });
    expect(run.timelines.get(1)?.columns.get('rps')).toEqual([1, 2, 3, 9]);
  });

  it('replaces a value whose index comes again', () => {
    const run = started();
    run.tick(tick({ point: { index: 2, rps: 99 } }));
    expect(run.timeline.columns.get('rps')).toEqual([5, 10, 99]);
  });

  it('forgets everything of before with a new snapshot', () => {
    const run = started();
    run.requestTimeline(1, { from: 0, rps: [1] });
    const epoch = run.epoch.value;
    run.snapshot(snapshot({ requests: [], failures: [], timeline: { start: 2_000_000, step: 1, rps: [] } }));
    expect(run.requests.value).toEqual([]);
    expect(run.request(1)).toBeUndefined();
    expect(run.timeline.length).toBe(0);
    expect(run.timelines.size).toBe(0);
    expect(run.epoch.value).not.toBe(epoch);
  });

  it('shows a report with the timelines of its requests', () => {
    const run = new Run();
    run.snapshot(snapshot({ per_request: [{ id: 0, from: 0, rps: [1, 2, 3] }] }));
    expect(run.timelines.get(0)?.columns.get('rps')).toEqual([1, 2, 3]);
  });

  it('keeps as many log lines as the server', () => {
    const run = started();
    const line = (at: number): LogLine => ({ at, level: 'info', text: 'x', worker: null });
    for (let at = 0; at < MAX_LOGS + 10; at++) run.log(line(at));
    expect(run.logs.value).toHaveLength(MAX_LOGS);
    expect(run.logs.value.at(0)?.at).toBe(10);
  });

  it('treats names like __proto__ as names', () => {
    const run = started();
    run.tick(tick({ requests: [stats(7, '__proto__', 1)] }));
    expect(run.request(7)?.name).toBe('__proto__');
    run.timeline.set(0, JSON.parse('{"__proto__": 1, "index": 0}'));
    expect(run.timeline.at('__proto__', 0)).toBe(1);
  });

  it('puts what is watched on the seconds of the load, also a series that comes later', () => {
    const run = new Run();
    const series = { id: 0, chart: 'Replicas', label: 'web replicas', contains: 'default' as const };
    run.snapshot(snapshot({ watched: [{ ...series, from: 1, values: [2, 2] }] }));
    expect(run.timeline.columns.get(watchedColumn(0))).toEqual([null, 2, 2]);
    const later = { id: 1, chart: 'Database size', label: 'mysql', contains: 'data' as const };
    run.tick(
      tick({
        watched: [
          { ...series, index: 3, value: 4 },
          { ...later, index: 3, value: 9 },
        ],
      }),
    );
    expect(run.watched.value.map((one) => one.label)).toEqual(['web replicas', 'mysql']);
    expect(run.timeline.at(watchedColumn(0), 3)).toBe(4);
    expect(run.timeline.columns.get(watchedColumn(1))).toEqual([null, null, null, 9]);
    run.tick(tick({ scaling: [{ title: 'web: 2 → 4 replicas', steps: [], slow: null }] }));
    expect(run.scaling.value).toHaveLength(1);
  });
});
