// A made-up run for the mock server: what a real server would say of it, second by second, the same every time. The kinds
// are `locust` and `k6`; `hostile` gives it names and errors that a page must survive.

const COLUMNS = ['users', 'target', 'rps', 'fps', 'p50', 'p95', 'p99', 'mean'];
const REQUEST_COLUMNS = ['rps', 'fps', 'p50', 'p95', 'p99'];

const PATHS = [
  'GET /',
  'GET /products',
  'GET /products/[id]',
  'POST /cart',
  'GET /cart',
  'POST /checkout',
  'GET /search?q=[term]',
  'PUT /profile',
  'DELETE /cart/[item]',
  'GET /assets/app.js',
  'GET /recommendations',
  'POST /login',
];

export const HOSTILE = [
  '<script>window.hacked = 1</script>',
  '<img src=x onerror="window.hacked = 2">',
  '"><svg onload=window.hacked=3>',
  'javascript:window.hacked=4',
  '\u202eright to left\u0000 and null',
  '{{constructor.constructor("window.hacked=5")()}}',
  '__proto__',
  'constructor',
  'x'.repeat(10_240),
  `<b>${'wide 漢字 🧵 '.repeat(900)}</b>`,
];

/** A small generator of pseudo-random numbers (mulberry32): the same run every time. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const round = (value) => Math.round(value * 100) / 100;

export class ScriptedRun {
  /** @param {{kind?: 'locust'|'k6', names?: number, hostile?: boolean, ready?: boolean, workers?: number, now?: number}} options */
  constructor(options = {}) {
    this.options = {
      kind: 'locust',
      names: 12,
      hostile: false,
      ready: false,
      workers: 3,
      now: Date.now(),
      ...options,
    };
    this.random = random(7);
    this.state = 'ready';
    this.target = 0;
    this.rate = 10;
    this.host = 'https://shop.example';
    this.planned = null;
    this.logs = [];
    this.startedAt = null;
    this.clear();
    this.log('info', `${this.kind === 'k6' ? 'k6 script' : 'locustfile'} loaded`);
    if (!this.options.ready)
      this.start({ users: 200, spawn_rate: 10, run_time: this.kind === 'k6' ? '10m' : null });
  }

  get kind() {
    return this.options.kind;
  }

  clear() {
    const { names, hostile } = this.options;
    const texts = hostile ? HOSTILE.map((text) => `GET ${text}`) : [];
    for (let i = texts.length; i < names; i++) {
      texts.push(
        i < PATHS.length && !hostile ? PATHS[i] : `GET /api/v2/things/${String(i).padStart(5, '0')}/details`,
      );
    }
    this.requests = texts.map((text, id) => {
      const space = text.indexOf(' ');
      return this.row(id, text.slice(0, space), text.slice(space + 1));
    });
    this.totals = this.row(-1, '', 'Aggregated');
    this.failures = [];
    this.exceptions = [];
    this.marks = [];
    this.watched = [];
    this.users = 0;
    this.max = 0;
    this.seconds = 0;
    this.columns = Object.fromEntries(COLUMNS.map((name) => [name, []]));
    this.perRequest = this.requests.map(() => Object.fromEntries(REQUEST_COLUMNS.map((name) => [name, []])));
    this.endedAt = null;
  }

  row(id, method, name) {
    return {
      id,
      method,
      name,
      count: 0,
      fails: 0,
      rps: 0,
      fps: 0,
      avg: null,
      min: null,
      max: null,
      median: null,
      p90: null,
      p95: null,
      p99: null,
      size: null,
      base: 6 + ((id * 37) % 90),
      weight: 1 / (1 + (id % 40)),
    };
  }

  log(level, text, worker = null) {
    const line = { at: this.now(), level, text, worker };
    this.logs.push(line);
    this.logs = this.logs.slice(-500);
    return line;
  }

  now() {
    return (this.startedAt ?? this.options.now) + this.seconds * 1000;
  }

  can() {
    if (this.state === 'ready') return ['start'];
    if (this.state === 'stopped') return this.kind === 'locust' ? ['start', 'reset'] : [];
    return this.kind === 'locust' ? ['stop', 'edit', 'reset'] : ['stop', 'scale', 'pause'];
  }

  // ---- commands ----------------------------------------------------------------------------------

  start(request) {
    const users = Number(request.users ?? 200);
    if (!(users > 0)) throw new Error('users must be a whole number from 1');
    if (request.host === 'refused')
      throw new Error('host: "refused" is not a URL; write it as https://example.org');
    this.startedAt = this.startedAt === null ? this.options.now : this.options.now + 1000;
    this.clear();
    this.request = request;
    this.host = request.host ?? this.host;
    this.target = users;
    this.rate = Number(request.spawn_rate ?? 10);
    const minutes = /^(\d+)m$/.exec(request.run_time ?? '');
    this.planned = minutes ? Number(minutes[1]) * 60 : null;
    this.state = 'spawning';
    this.log('info', `ramping to ${users} users at ${this.rate} a second`);
  }

  stop() {
    this.state = 'stopped';
    this.endedAt = this.now();
    this.users = 0;
    this.log('info', 'stopped');
  }

  scale(request) {
    const users = Number(request.users);
    if (!Number.isInteger(users) || users < 0) throw new Error('users must be a whole number');
    this.marks.push({ at: this.now(), kind: 'scale', text: `${this.target} → ${users} users` });
    this.target = users;
    if (request.spawn_rate) this.rate = Number(request.spawn_rate);
    this.state = 'spawning';
  }

  // ---- the run -----------------------------------------------------------------------------------

  /** Lets one second pass and says what changed, as a tick does. */
  advance() {
    const index = this.seconds;
    this.seconds++;
    const running = this.state === 'spawning' || this.state === 'running';
    if (!running) return { ...this.live(), requests: [], point: null, amend: [], per_request: [], marks: [] };
    const step = Math.min(Math.abs(this.target - this.users), Math.max(1, Math.round(this.rate)));
    this.users += Math.sign(this.target - this.users) * step;
    this.max = Math.max(this.max, this.users);
    const marks = this.events(index);
    if (this.users === this.target && this.state === 'spawning') {
      this.state = 'running';
      marks.push({ at: this.now(), kind: 'spawned', text: `all ${this.target} users spawned` });
    }
    this.marks.push(...marks);
    // A slow wave, a disturbance every five minutes, and noise.
    const wave = 1 + 0.18 * Math.sin(index / 47) + 0.06 * Math.sin(index / 5);
    const trouble = index % 300 > 200 && index % 300 < 232;
    const slow = (trouble ? 3.2 : 1) * (1 + this.users / 900);
    const changed = [];
    const points = [];
    const weights = this.requests.reduce((sum, row) => sum + row.weight, 0);
    let [rps, fps] = [0, 0];
    const fewEach = this.requests.length > 600;
    for (const row of this.requests) {
      // Of very many names only some do something in one second.
      if (fewEach && (row.id + index) % 40 > 1) continue;
      const noise = 0.75 + this.random() * 0.5;
      const amount = Math.round(
        ((this.users * 6.4 * wave * row.weight) / weights) * noise * (fewEach ? 20 : 1),
      );
      if (amount === 0 && row.count > 0) continue;
      const broken = row.id % 5 === 3;
      const fails = Math.round(amount * (trouble ? 0.18 : broken ? 0.012 : 0) * this.random() * 2);
      const median = row.base * slow * noise;
      this.record(row, Math.max(1, amount), fails, median);
      rps += amount;
      fps += fails;
      changed.push(row);
      const point = {
        rps: amount,
        fps: fails,
        p50: round(median),
        p95: round(median * 2.7),
        p99: round(median * 4.4),
      };
      points.push({ id: row.id, index, ...point });
      const columns = this.perRequest[row.id];
      for (const name of REQUEST_COLUMNS) {
        while (columns[name].length < index) columns[name].push(name === 'rps' || name === 'fps' ? 0 : null);
        columns[name][index] = point[name];
      }
      if (fails > 0) this.fail(row, fails, trouble);
    }
    const median = 19 * slow * (0.92 + this.random() * 0.16);
    this.record(this.totals, rps, fps, median);
    const p99 = median * (5.2 + (this.random() < 0.03 ? 6 : 0));
    const point = {
      users: this.users,
      target: this.target,
      rps,
      fps,
      p50: round(median),
      p95: round(median * 2.9),
      p99: round(p99),
      mean: round(median * 1.4),
    };
    for (const name of COLUMNS) this.columns[name][index] = point[name];
    const amend = [];
    if (index > 4 && index % 7 === 0) {
      const late = index - 2;
      this.columns.rps[late] += 1;
      amend.push({
        index: late,
        ...Object.fromEntries(COLUMNS.map((name) => [name, this.columns[name][late]])),
      });
    }
    const watched = this.watchedNow(index);
    for (const { id, value, ...series } of watched) {
      this.watched[id] ??= {
        id,
        chart: series.chart,
        label: series.label,
        contains: series.contains,
        from: index,
        values: [],
      };
      this.watched[id].values[index - this.watched[id].from] = value;
    }
    if (index === 20) this.exception();
    if (this.planned !== null && this.seconds >= this.planned) this.stop();
    return {
      ...this.live(),
      requests: changed.map(wire),
      failures: this.failures.filter((one) => one.last === this.now()),
      point: { index, ...point },
      amend,
      per_request: points,
      ...(watched.length > 0 ? { watched } : {}),
      marks,
      ...this.tables(),
    };
  }

  events(index) {
    const marks = [];
    const mark = (kind, text) => marks.push({ at: this.now(), kind, text });
    if (index === 90) {
      mark('worker', 'worker node-2 lost; its users move to the others');
      this.log('warning', 'worker node-2 has not been heard for 2.25 s', 'node-2');
    }
    if (index === 130) mark('worker', 'worker node-2 is back');
    if (index === 60 && this.kind === 'k6')
      mark('replicas', 'web: scaling up, 2 → 3 replicas wanted (cpu 95 of 70)');
    if (index === 140 && this.kind === 'k6') mark('trouble', 'mysql: 1 deadlock');
    if (index === 205 && this.kind === 'k6') {
      mark('threshold', 'p(95)<50 of http_req_duration is crossed');
      this.log('error', 'thresholds on metrics http_req_duration have been crossed');
    }
    if (index > 0 && index % 600 === 0) mark('stage', `stage ${index / 600} begins`);
    if (index % 60 === 59) this.log('info', `${this.users} users, all is well`);
    return marks;
  }

  record(row, amount, fails, median) {
    row.count += amount;
    row.fails += fails;
    row.rps = amount;
    row.fps = fails;
    const mix = (before, value) => round(before === null ? value : before * 0.97 + value * 0.03);
    row.median = mix(row.median, median);
    row.avg = mix(row.avg, median * 1.4);
    row.p90 = mix(row.p90, median * 2.2);
    row.p95 = mix(row.p95, median * 2.9);
    row.p99 = mix(row.p99, median * 5.2);
    row.min = round(Math.min(row.min ?? Number.POSITIVE_INFINITY, median * 0.4));
    row.max = round(Math.max(row.max ?? 0, median * 9));
    row.size = 300 + (((row.id + 2) * 911) % 42_000);
  }

  fail(row, fails, trouble) {
    const error = this.options.hostile
      ? HOSTILE[row.id % HOSTILE.length]
      : trouble
        ? '503 Service Unavailable'
        : "CatchResponseError('total does not match the cart')";
    const found = this.failures.find((one) => one.name === row.name && one.error === error);
    if (found) {
      found.count += fails;
      found.last = this.now();
    } else {
      this.failures.push({
        method: row.method,
        name: row.name,
        error,
        count: fails,
        first: this.now(),
        last: this.now(),
      });
    }
  }

  /** What is watched beside a k6 script: an autoscaler and a database. */
  watchedNow(index) {
    if (this.kind !== 'k6') return [];
    const replicas = index < 70 ? 2 : index < 95 ? 3 : 5;
    const wanted = index < 60 ? 2 : index < 85 ? 3 : 5;
    const name = this.options.hostile ? HOSTILE[0] : 'web';
    const values = [
      ['Replicas', `${name} replicas`, 'default', replicas],
      ['Replicas', `${name} wanted`, 'default', wanted],
      ["Autoscaler's metric", `${name} cpu now`, 'default', Math.round(Math.min(95, this.users / replicas))],
      ["Autoscaler's metric", `${name} cpu target`, 'default', 70],
      ['Database connections', 'mysql in use', 'default', 8 + replicas * 5],
      ['Database connections', 'mysql limit', 'default', 151],
      ['Database size', 'mysql', 'data', 48_000_000 + index * 12_000],
    ];
    return values.map(([chart, label, contains, value], id) => ({
      id,
      chart,
      label,
      contains,
      index,
      value,
    }));
  }

  scaling() {
    if (this.kind !== 'k6' || this.seconds < 75) return [];
    const at = (second) => this.startedAt + second * 1000;
    const name = this.options.hostile ? HOSTILE[0] : 'web';
    return [
      {
        title: `${name}: 2 → 3 replicas, ready 70 s after the load began to rise`,
        steps: [
          { what: 'load up', at: at(0), took: null, detail: 'from 0 to 200 virtual users' },
          { what: 'metric over target', at: at(45), took: 45, detail: 'cpu 95 of 70' },
          { what: 'decided', at: at(60), took: 15, detail: '2 → 3 replicas' },
          { what: 'scheduled', at: at(61), took: 1, detail: '' },
          { what: 'ready', at: at(70), took: 9, detail: '' },
          {
            what: 'latency recovered',
            at: null,
            took: null,
            detail: 'p(95) was not worse than 60ms meanwhile',
          },
        ],
        slow: "45 s from the load's rise until the metric was over its target: the ramp itself, and metrics-server",
      },
    ];
  }

  exception() {
    const text = this.options.hostile ? HOSTILE[0] : "KeyError: 'price'";
    this.exceptions.push({
      message: text,
      count: 14,
      nodes: ['node-1', 'node-3'],
      traceback: [
        'Traceback (most recent call last):',
        '  File "locustfile.py", line 48, in checkout',
        '    total = sum(item["price"] for item in cart)',
        `${text}`,
      ].join('\n'),
    });
    this.log(
      'error',
      this.options.hostile ? HOSTILE[1] : `unhandled exception in checkout: ${text}`,
      'node-1',
    );
  }

  // ---- what is said of it --------------------------------------------------------------------------

  live() {
    return {
      now: this.now(),
      elapsed: this.seconds,
      state: this.state,
      can: this.can(),
      planned: this.planned,
      host: this.host,
      started_at: this.startedAt,
      ended_at: this.endedAt,
      users: {
        now: this.users,
        target: this.target,
        max: this.max,
        by_class: { WebsiteUser: Math.ceil(this.users * 0.75), ApiUser: Math.floor(this.users * 0.25) },
      },
      totals: wire(this.totals),
    };
  }

  tables() {
    const k6 = this.kind === 'k6';
    return {
      workers: this.workers(),
      exceptions: this.exceptions,
      checks: k6 ? this.checks() : [],
      thresholds: k6 ? this.thresholds() : [],
      scenarios: k6 ? this.scenarios() : [],
      metrics: k6 ? this.metrics() : [],
      scaling: this.scaling(),
      task_ratio: k6 ? null : TASKS,
      lag: { p50: 0.08, p99: 1.4, max: 12.5 },
      saturated:
        this.seconds > 250 && k6
          ? 'both cores were busy for 12 s, so that response times include waiting here'
          : null,
    };
  }

  workers() {
    return Array.from({ length: this.options.workers }, (_, i) => {
      const lost = i === 1 && this.seconds > 90 && this.seconds <= 130;
      return {
        id: `node-${i + 1}`,
        state: lost ? 'missing' : this.state,
        users: lost ? 0 : Math.round(this.users / this.options.workers),
        cpu: lost ? null : round(22 + i * 31 + this.random() * 8),
        memory: lost ? null : 91_000_000 + i * 7_300_000,
        lag: lost ? null : round(0.4 + i * 27 * this.random()),
      };
    });
  }

  checks() {
    const n = this.totals.count;
    const fails = Math.round(this.totals.fails / 3);
    const hostile = this.options.hostile
      ? HOSTILE.map((name) => ({ name, group: name, passes: 3, fails: 1 }))
      : [];
    return [
      { name: 'status is 200', group: '', passes: n - this.totals.fails, fails: this.totals.fails },
      { name: 'has products', group: '::browse', passes: Math.round(n / 2), fails: 0 },
      { name: 'cart is not empty', group: '::buy::cart', passes: Math.round(n / 4) - fails, fails },
      ...hostile,
    ];
  }

  thresholds() {
    const { p95, count, fails } = this.totals;
    return [
      {
        metric: 'http_req_duration',
        source: 'p(95)<50',
        value: p95,
        ok: p95 === null ? null : p95 < 50,
        abort: false,
      },
      {
        metric: 'http_req_failed',
        source: 'rate<0.05',
        value: count ? fails / count : null,
        ok: count ? fails / count < 0.05 : null,
        abort: true,
      },
      { metric: 'checks{group:::buy}', source: 'rate>0.9', value: null, ok: null, abort: false },
    ];
  }

  scenarios() {
    const progress = this.planned ? Math.min(1, this.seconds / this.planned) : 0;
    const state = this.state === 'ready' ? 'waiting' : this.state === 'stopped' ? 'finished' : 'running';
    return [
      {
        name: 'browse',
        executor: 'ramping-vus',
        progress,
        vus: Math.round(this.users * 0.7),
        max_vus: 140,
        iterations: Math.round(this.totals.count / 4),
        state,
        text: 'up to 140 looping VUs for 10m0s over 3 stages',
      },
      {
        name: 'buy',
        executor: 'constant-arrival-rate',
        progress: Math.max(0, progress - 0.05),
        vus: Math.round(this.users * 0.3),
        max_vus: 60,
        iterations: Math.round(this.totals.count / 11),
        state: this.seconds > 30 ? state : 'waiting',
        text: '40 iterations/s for 9m30s (startTime: 30s)',
      },
    ];
  }

  metrics() {
    const { count, fails, avg, min, median, p90, p95, max } = this.totals;
    const trend = (factor) =>
      Object.fromEntries(
        Object.entries({ avg, min, med: median, 'p(90)': p90, 'p(95)': p95, max }).map(([key, value]) => [
          key,
          value === null ? null : round(value * factor),
        ]),
      );
    const rate = this.seconds ? count / this.seconds : 0;
    return [
      { name: 'http_req_duration', type: 'trend', contains: 'time', values: trend(1) },
      { name: 'http_req_waiting', type: 'trend', contains: 'time', values: trend(0.9) },
      { name: 'basket_size', type: 'trend', contains: 'default', values: trend(0.1) },
      { name: 'http_reqs', type: 'counter', contains: 'default', values: { count, rate } },
      {
        name: 'data_received',
        type: 'counter',
        contains: 'data',
        values: { count: count * 9_300, rate: rate * 9_300 },
      },
      {
        name: 'http_req_failed',
        type: 'rate',
        contains: 'default',
        values: { rate: count ? fails / count : 0, passes: fails, fails: count - fails },
      },
      {
        name: 'vus',
        type: 'gauge',
        contains: 'default',
        values: { value: this.users, min: 1, max: this.max },
      },
    ];
  }

  snapshot() {
    const k6 = this.kind === 'k6';
    return {
      throng: '0.1.0',
      kind: this.kind,
      file: k6 ? 'examples/shop.js' : 'locustfile.py',
      ...this.live(),
      form: k6 ? { scenarios: this.scenarios() } : FORM,
      requests: this.requests.filter((row) => row.count > 0).map(wire),
      failures: this.failures,
      ...this.tables(),
      timeline: { start: this.startedAt ?? this.options.now, step: 1, ...this.columns },
      per_request: [],
      watched: this.watched,
      marks: this.marks,
      logs: this.logs,
    };
  }

  requestTimeline(id) {
    const columns = this.perRequest[id];
    return columns && { from: 0, ...columns };
  }
}

/** A row as it is sent: without what only the script knows. */
function wire({ base: _, weight: __, ...row }) {
  return row;
}

const FORM = {
  users: 50,
  spawn_rate: 5,
  host: 'https://shop.example',
  run_time: null,
  class_picker: true,
  classes: [
    {
      name: 'WebsiteUser',
      weight: 3,
      fixed_count: 0,
      host: null,
      tasks: ['browse', 'browse', 'search', 'checkout'],
      all_tasks: ['browse', 'search', 'checkout'],
    },
    {
      name: 'ApiUser',
      weight: 1,
      fixed_count: 2,
      host: 'https://api.shop.example',
      tasks: ['sync', 'report'],
      all_tasks: ['sync', 'report', 'purge'],
    },
  ],
  arguments: [
    { name: 'tenant', type: 'text', default: 'acme', choices: null, help: 'whose shop to load' },
    { name: 'items', type: 'number', default: 3, choices: null, help: 'items in a basket' },
    { name: 'region', type: 'choice', default: 'eu', choices: ['eu', 'us', 'ap'], help: '' },
    { name: 'verbose', type: 'boolean', default: false, choices: null, help: 'log each purchase' },
    { name: 'api_key', type: 'secret', default: null, choices: null, help: 'not shown anywhere' },
  ],
};

const TASKS = {
  per_class: {
    WebsiteUser: {
      ratio: 0.75,
      tasks: {
        browse: { ratio: 0.5 },
        search: { ratio: 0.25 },
        checkout: { ratio: 0.25, tasks: { pay: { ratio: 0.8 }, abandon: { ratio: 0.2 } } },
      },
    },
    ApiUser: { ratio: 0.25, tasks: { sync: { ratio: 0.9 }, report: { ratio: 0.1 } } },
  },
  total: {
    WebsiteUser: {
      ratio: 0.75,
      tasks: {
        browse: { ratio: 0.375 },
        search: { ratio: 0.1875 },
        checkout: { ratio: 0.1875, tasks: { pay: { ratio: 0.15 }, abandon: { ratio: 0.0375 } } },
      },
    },
    ApiUser: { ratio: 0.25, tasks: { sync: { ratio: 0.225 }, report: { ratio: 0.025 } } },
  },
};
