// The one store of the page: what is known of the run. It is filled by a snapshot and changed by ticks and log lines,
// from wherever they come; views only read its signals. Each signal changes at most once per message.

import { batch, signal } from '@preact/signals';
import type {
  Check,
  Command,
  Exception,
  Extended,
  Failure,
  Form,
  HistoryKind,
  Kind,
  Lag,
  Live,
  LogLine,
  Mark,
  Metric,
  RequestStats,
  RequestTimeline,
  Scaling,
  Scenario,
  Snapshot,
  State,
  Tables,
  TaskRatio,
  Threshold,
  Tick,
  Users,
  WatchedSeries,
  Worker,
} from '../wire';
import { Timeline } from './timeline';

/** What stays the same from one start of the test to the next. */
export interface About {
  throng: string;
  kind: Kind;
  file: string;
  form: Form;
  history: HistoryKind;
  extended: Extended | null;
}

/** Where the run stands. */
export interface Status {
  state: State;
  can: readonly Command[];
  now: number;
  elapsed: number;
  planned: number | null;
  host: string | null;
  startedAt: number | null;
  endedAt: number | null;
}

/** As many log lines as the server keeps. */
export const MAX_LOGS = 500;

const TABLES = [
  'workers',
  'exceptions',
  'checks',
  'thresholds',
  'scenarios',
  'metrics',
  'task_ratio',
  'lag',
  'saturated',
  'scaling',
] as const satisfies readonly (keyof Tables)[];

/** The column of the timeline with the values of something that is watched. */
export const watchedColumn = (id: number) => `watched ${id}`;

const failureKey = (f: Failure) => `${f.method}\0${f.name}\0${f.error}`;

export class Run {
  readonly about = signal<About | null>(null);
  readonly status = signal<Status | null>(null);
  readonly users = signal<Users>({ now: 0, target: 0, max: null, by_class: {} });
  readonly totals = signal<RequestStats | null>(null);
  readonly requests = signal<readonly RequestStats[]>([]);
  readonly failures = signal<readonly Failure[]>([]);
  readonly workers = signal<readonly Worker[]>([]);
  readonly exceptions = signal<readonly Exception[]>([]);
  readonly checks = signal<readonly Check[]>([]);
  readonly thresholds = signal<readonly Threshold[]>([]);
  readonly scenarios = signal<readonly Scenario[]>([]);
  readonly metrics = signal<readonly Metric[]>([]);
  readonly task_ratio = signal<TaskRatio | null>(null);
  readonly lag = signal<Lag | null>(null);
  readonly saturated = signal<string | null>(null);
  readonly scaling = signal<readonly Scaling[]>([]);
  /** What is watched beside the load; the values are columns of `timeline`. */
  readonly watched = signal<readonly WatchedSeries[]>([]);
  readonly marks = signal<readonly Mark[]>([]);
  readonly logs = signal<readonly LogLine[]>([]);

  /** Changes whenever a value in `timeline` or in one of `timelines` did. */
  readonly drawn = signal(0);
  /** Changes with each snapshot: request numbers and timelines of before are void. */
  readonly epoch = signal(0);
  timeline = new Timeline(0, 1);
  /** Timelines of the requests that are watched, by number. */
  readonly timelines = new Map<number, Timeline>();

  private readonly requestById = new Map<number, RequestStats>();
  private readonly failureByKey = new Map<string, Failure>();

  request(id: number): RequestStats | undefined {
    return this.requestById.get(id);
  }

  snapshot(wire: Snapshot): void {
    batch(() => {
      this.about.value = {
        throng: wire.throng,
        kind: wire.kind,
        file: wire.file,
        form: wire.form ?? {},
        history: wire.history ?? 'none',
        extended: wire.extended ?? null,
      };
      this.status.value = {
        state: wire.state,
        can: wire.can ?? [],
        now: wire.now,
        elapsed: wire.elapsed,
        planned: wire.planned ?? null,
        host: wire.host ?? null,
        startedAt: wire.started_at ?? null,
        endedAt: wire.ended_at ?? null,
      };
      this.live(wire);
      this.requestById.clear();
      for (const request of wire.requests) this.requestById.set(request.id, request);
      this.requests.value = wire.requests;
      this.failureByKey.clear();
      for (const failure of wire.failures) this.failureByKey.set(failureKey(failure), failure);
      this.failures.value = wire.failures;
      this.tables({ ...EMPTY_TABLES, ...wire });
      this.marks.value = wire.marks ?? [];
      this.logs.value = (wire.logs ?? []).slice(-MAX_LOGS);
      this.timeline = new Timeline(wire.timeline.start, wire.timeline.step).load(wire.timeline);
      this.watched.value = (wire.watched ?? []).map(({ from, values, ...series }) => {
        this.timeline.load({ [watchedColumn(series.id)]: values }, from);
        return series;
      });
      this.timelines.clear();
      for (const timeline of wire.per_request ?? []) {
        if (timeline.id !== undefined) this.requestTimeline(timeline.id, timeline);
      }
      this.epoch.value++;
      this.drawn.value++;
    });
  }

  tick(wire: Tick): void {
    const status = this.status.peek();
    // A tick says only what changed, so that it means nothing before the first snapshot.
    if (!status) return;
    batch(() => {
      this.status.value = {
        state: wire.state,
        can: wire.can ?? status.can,
        now: wire.now,
        elapsed: wire.elapsed,
        planned: wire.planned === undefined ? status.planned : wire.planned,
        host: wire.host === undefined ? status.host : wire.host,
        startedAt: wire.started_at === undefined ? status.startedAt : wire.started_at,
        endedAt: wire.ended_at === undefined ? status.endedAt : wire.ended_at,
      };
      const about = this.about.peek();
      if (wire.form && about)
        this.about.value = { ...about, form: wire.form, extended: wire.extended ?? null };
      this.live(wire);
      if (wire.requests?.length) {
        for (const request of wire.requests) this.requestById.set(request.id, request);
        this.requests.value = [...this.requestById.values()];
      }
      if (wire.failures?.length) {
        for (const failure of wire.failures) this.failureByKey.set(failureKey(failure), failure);
        this.failures.value = [...this.failureByKey.values()];
      }
      this.tables(wire);
      if (wire.marks?.length) this.marks.value = [...this.marks.value, ...wire.marks];
      for (const point of wire.amend ?? []) this.timeline.set(point.index, point);
      if (wire.point) this.timeline.set(wire.point.index, wire.point);
      for (const { index, value, ...series } of wire.watched ?? []) {
        if (!this.watched.peek().some((known) => known.id === series.id))
          this.watched.value = [...this.watched.peek(), series];
        this.timeline.set(index, { [watchedColumn(series.id)]: value });
      }
      for (const point of wire.per_request ?? []) this.timelines.get(point.id)?.set(point.index, point);
      this.drawn.value++;
    });
  }

  log(line: LogLine): void {
    this.logs.value = [...this.logs.peek(), line].slice(-MAX_LOGS);
  }

  /** Keeps what ticks say of one request from now on, until its whole timeline is here. */
  watch(id: number): void {
    if (!this.timelines.has(id))
      this.timelines.set(id, new Timeline(this.timeline.start, this.timeline.step));
  }

  /** Takes the whole timeline of one request; what ticks said since it was asked for stays. */
  requestTimeline(id: number, wire: RequestTimeline): void {
    const whole = new Timeline(this.timeline.start, this.timeline.step).load(wire, wire.from);
    const since = this.timelines.get(id);
    if (since) {
      for (let index = whole.length; index < since.length; index++) whole.set(index, since.values(index));
    }
    this.timelines.set(id, whole);
    this.drawn.value++;
  }

  private live(wire: Live): void {
    this.users.value = wire.users;
    this.totals.value = wire.totals;
  }

  private tables(wire: Partial<Tables>): void {
    for (const name of TABLES) {
      const value = wire[name];
      if (value !== undefined) (this[name] as { value: unknown }).value = value;
    }
  }
}

const EMPTY_TABLES: Tables = {
  workers: [],
  exceptions: [],
  checks: [],
  thresholds: [],
  scenarios: [],
  metrics: [],
  task_ratio: null,
  lag: null,
  saturated: null,
  scaling: [],
};
