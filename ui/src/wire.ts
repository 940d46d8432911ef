// What the server says and is told: the types of `/api/v1`. Times are milliseconds since 1970, response times are
// milliseconds, `null` is "nothing measured". Everything that names something (requests, errors, logs) comes from the
// target or the test script and is only ever shown as text.

export type Kind = 'locust' | 'k6';

export type State =
  | 'ready'
  | 'spawning'
  | 'running'
  | 'paused'
  | 'stopping'
  | 'stopped'
  /** All workers of the run are gone. */
  | 'missing';

/** What a run can be told to do now. */
export type Command = 'start' | 'stop' | 'edit' | 'reset' | 'scale' | 'pause';

export type Measured = number | null;

/** One row of the statistics; `totals` has the same shape. */
export interface RequestStats {
  /** Small and stable within a run. */
  id: number;
  method: string;
  name: string;
  count: number;
  fails: number;
  /** Requests a second, now. */
  rps: Measured;
  fps: Measured;
  avg: Measured;
  min: Measured;
  max: Measured;
  median: Measured;
  p90: Measured;
  p95: Measured;
  p99: Measured;
  /** Mean size of an answer in bytes. */
  size: Measured;
}

export interface Users {
  now: number;
  target: number;
  max: number | null;
  by_class: Record<string, number>;
}

export interface Worker {
  id: string;
  state: string;
  users: number;
  /** Percent of one core. */
  cpu: Measured;
  /** Bytes. */
  memory: Measured;
  /** Milliseconds by which its event loop is late. */
  lag: Measured;
}

export interface Failure {
  method: string;
  name: string;
  error: string;
  count: number;
  first: number | null;
  last: number | null;
}

export interface Exception {
  message: string;
  traceback: string;
  count: number;
  nodes: string[];
}

export interface Check {
  name: string;
  group: string;
  passes: number;
  fails: number;
}

export interface Threshold {
  metric: string;
  source: string;
  value: Measured;
  ok: boolean | null;
  /** Whether failing it ends the test. */
  abort: boolean;
}

export interface Scenario {
  name: string;
  executor: string;
  /** 0 to 1. */
  progress: number | null;
  vus: number;
  max_vus: number;
  iterations: number;
  state: 'waiting' | 'running' | 'finished' | 'interrupted';
  text: string;
}

export interface Metric {
  name: string;
  type: 'counter' | 'gauge' | 'rate' | 'trend';
  contains: 'time' | 'data' | 'default';
  values: Record<string, Measured>;
}

export interface TaskTree {
  [name: string]: { ratio: number; tasks?: TaskTree };
}

export interface TaskRatio {
  per_class: TaskTree;
  total: TaskTree;
}

export interface Lag {
  p50: Measured;
  p99: Measured;
  max: Measured;
}

export interface Mark {
  at: number;
  kind: string;
  text: string;
}

export interface LogLine {
  at: number;
  level: 'debug' | 'info' | 'warning' | 'error';
  text: string;
  worker: string | null;
}

export type Value = string | number | boolean | null | string[];

export interface Argument {
  name: string;
  type: 'text' | 'number' | 'boolean' | 'choice' | 'secret';
  default: Value;
  choices: string[] | null;
  help: string;
  /** Whether several of the choices may be taken. */
  multiple?: boolean;
  /** Whether it must not be empty. */
  required?: boolean;
}

export interface UserClass {
  name: string;
  weight: number;
  /** How many users are of it whatever its weight; 0 for a share. */
  fixed_count: number;
  host: string | null;
  /** Each as often as it weighs. */
  tasks: string[];
  /** Also those that are switched off. */
  all_tasks: string[];
}

/** What changes in a user class, as Locust's `/user` takes it. */
export interface ClassChange {
  user_class_name: string;
  host?: string | null;
  weight?: number;
  fixed_count?: number;
  tasks?: string[];
}

export interface Form {
  users?: number;
  spawn_rate?: number;
  host?: string | null;
  run_time?: string | null;
  classes?: UserClass[];
  arguments?: Argument[];
  class_picker?: boolean;
  /** Load shapes that may be chosen; the first is none. */
  shapes?: string[];
  /** k6: what the script plans. */
  scenarios?: Scenario[];
}

/** What is watched beside the load: replicas, connections. The values are on the grid of the timeline. */
export interface WatchedSeries {
  id: number;
  /** The chart that shows it. */
  chart: string;
  label: string;
  contains: 'time' | 'data' | 'default';
}

export interface WatchedWire extends WatchedSeries {
  from: number;
  values: Column;
}

export interface WatchedPoint extends WatchedSeries {
  index: number;
  value: Measured;
}

/** How an autoscaler followed the load. */
export interface Scaling {
  title: string;
  steps: ScalingStep[];
  slow: string | null;
}

export interface ScalingStep {
  what: string;
  at: number | null;
  /** Seconds since the step before. */
  took: Measured;
  detail: string;
}

/** A column of one value a second; `null` where nothing was measured. */
export type Column = Measured[];

export interface TimelineWire {
  /** Of index 0. */
  start: number;
  /** Seconds between two values; grows in long runs, with a new snapshot. */
  step: number;
  [column: string]: Column | number;
}

/** The timeline of one request, from an index of the run's timeline on, in the same steps. */
export interface RequestTimeline {
  id?: number;
  from: number;
  step?: number;
  [column: string]: Column | number | undefined;
}

/** The values of one second. */
export interface Point {
  index: number;
  [column: string]: Measured;
}

export interface RequestPoint extends Point {
  id: number;
}

/** What a snapshot and a tick have in common. */
export interface Live {
  now: number;
  elapsed: number;
  state: State;
  can: Command[];
  users: Users;
  totals: RequestStats;
}

/** Tables that a tick brings whole, and only when they changed. */
export interface Tables {
  workers: Worker[];
  exceptions: Exception[];
  checks: Check[];
  thresholds: Threshold[];
  scenarios: Scenario[];
  metrics: Metric[];
  task_ratio: TaskRatio | null;
  lag: Lag | null;
  saturated: string | null;
  scaling: Scaling[];
}

/** What a locustfile adds to the page. */
export interface Extended {
  tabs: { title: string; key: string }[];
  tables: { key: string; structure: { key: string; title: string }[] | null }[];
  files: { href: string; title: string; text?: string }[];
}

/** Whether past runs are kept beside this one, or there is nothing else. */
export type HistoryKind = 'none' | 'beside' | 'only';

export interface Snapshot extends Live, Tables {
  throng: string;
  history?: HistoryKind;
  kind: Kind;
  file: string;
  host: string | null;
  started_at: number | null;
  ended_at: number | null;
  planned: number | null;
  form: Form;
  extended?: Extended | null;
  requests: RequestStats[];
  failures: Failure[];
  timeline: TimelineWire;
  per_request?: RequestTimeline[];
  watched?: WatchedWire[];
  marks: Mark[];
  logs: LogLine[];
}

export interface Tick extends Live, Partial<Tables> {
  started_at?: number | null;
  ended_at?: number | null;
  planned?: number | null;
  host?: string | null;
  form?: Form;
  extended?: Extended | null;
  /** Only those that changed. */
  requests: RequestStats[];
  failures?: Failure[];
  point?: Point | null;
  /** Earlier seconds for which measurements came late. */
  amend?: Point[];
  per_request?: RequestPoint[];
  watched?: WatchedPoint[];
  marks?: Mark[];
}

/** A run of the history, as its list has it. */
export interface PastRun {
  /** `null` for a run that is not from a history. */
  id: number | null;
  name: string;
  kind: Kind;
  file: string;
  checksum: string;
  started_at: number | null;
  elapsed: number;
  exit_code: number | null;
  verdict: 'passed' | 'failed' | 'stopped' | 'broken' | null;
  requests: number;
  failures: number;
  rps: Measured;
  median: Measured;
  p95: Measured;
  p99: Measured;
  baseline: boolean;
}

export interface PastRuns {
  database: string;
  runs: PastRun[];
}

export type Judgement = 'worse' | 'better' | 'same' | 'unclear' | 'new' | 'gone';

/** The numbers of a row in one of two runs. */
export interface Figures {
  count: number;
  fails: number;
  rps: Measured;
  failed: Measured;
  p50: Measured;
  p95: Measured;
  p99: Measured;
}

export interface ComparedRow {
  method: string;
  name: string;
  base: Figures | null;
  run: Figures | null;
  judgement: Judgement;
  findings: { what: string; judgement: Judgement; text: string }[];
}

export interface Tolerance {
  p50: number | null;
  p95: number | null;
  p99: number | null;
  failures: number | null;
  rps: number | null;
  floor: number;
}

/** What `GET api/v1/compare` answers. */
export interface Comparison {
  base: PastRun;
  run: PastRun;
  judgement: Judgement;
  reasons: string[];
  tolerance: Tolerance;
  total: ComparedRow;
  rows: ComparedRow[];
}

/** What a report of a comparison has in it. */
export interface ComparisonReport {
  comparison: Comparison;
  base: Snapshot;
  run: Snapshot;
}

/** The body of `POST api/v1/start`. */
export interface StartRequest {
  users?: number;
  spawn_rate?: number;
  host?: string | null;
  run_time?: string | null;
  classes?: string[] | null;
  shape?: string;
  arguments?: Record<string, Value>;
}
