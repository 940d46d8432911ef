// What handleSummary does to its data shows in the summary export, also when it then throws or returns nothing.
// @functions handleSummary
// @run nothing-changed
// @run metrics
// @env metrics DO=metrics
// @run groups
// @env groups DO=groups
// @run throws
// @env throws DO=throws
// @run returns-nothing
// @env returns-nothing DO=returns-nothing
// @run no-metrics
// @env no-metrics DO=no-metrics
// @run no-groups
// @env no-groups DO=no-groups
// @run not-content
// @env not-content DO=not-content
// @stdout
import { check, group } from 'k6';
import { Gauge, Trend } from 'k6/metrics';

const gauge = new Gauge('my_gauge');
const trend = new Trend('my_trend');

export const options = { iterations: 1, thresholds: { my_trend: ['p(90)<100', 'avg>5'] } };

export function setup() {
  return { from: 'setup' };
}

export default function () {
  gauge.add(4);
  trend.add(3);
  check(1, { ok: true });
  group('front', () => check(0, { no: false }));
}

const changes = {
  metrics(data) {
    delete data.metrics.iterations;
    Object.assign(data.metrics.my_trend.values, { avg: 99, extra: 'x' });
    data.metrics.my_trend.thresholds['avg>5'].ok = true;
    data.metrics.my_trend.thresholds['max<1'] = { ok: false };
    data.metrics.my_gauge.values = { only: 1 };
    data.metrics.added = { type: 'counter', contains: 'default', values: { count: 7, rate: 1, none: null } };
    data.metrics.valueless = {};
    data.metrics.checks.values.rate = 0.25;
    data.setup_data = { changed: 1 };
    data.extra = 5;
  },
  groups(data) {
    data.root_group.groups[0].name = 'renamed';
    data.root_group.groups[0].checks[0].passes = 77;
  },
  throws(data) {
    delete data.metrics.my_gauge;
    throw new Error('in handleSummary');
  },
  'returns-nothing'(data) {
    delete data.metrics.my_gauge;
  },
  'no-metrics': (data) => { delete data.metrics; },
  'no-groups': (data) => { delete data.root_group; },
  'not-content': (data) => { delete data.metrics.my_gauge; },
};

export function handleSummary(data) {
  if (__ENV.DO) changes[__ENV.DO](data);
  if (__ENV.DO === 'returns-nothing') return undefined;
  return { stdout: 'shown\n', ...(__ENV.DO === 'not-content' ? { file: 5 } : {}) };
}
