// handleSummary: the data it gets, the files it writes, and what it may return.
// @functions handleSummary
// @options summaryTrendStats
// @run default
// @run trend-stats --summary-trend-stats min,p(50),p(99.9),count
// @run no-setup --no-setup
// @run no-colours --no-color
// @run no-value
// @env no-value RETURN=nothing
// @run bad-value
// @env bad-value RETURN=number
// @file report.txt bytes.bin
// @stdout
import { check, group } from 'k6';
import { ordered } from './lib/show.js';
import { Counter, Gauge, Rate, Trend } from 'k6/metrics';

const metrics = [new Counter('c1'), new Gauge('g1'), new Rate('r1')];
const trend = new Trend('t1');

export const options = {
  iterations: 2,
  thresholds: { c1: ['count>1', 'count>100'], 't1{k:v}': ['max<5'] },
};

export function setup() {
  return { from: 'setup' };
}

export default function () {
  for (const metric of metrics) metric.add(1);
  trend.add(4, { k: 'v' });
  group('front', () => check(1, { one: true, two: __ITER === 0 }));
}

const flatten = (value, path = []) =>
  value !== null && typeof value === 'object'
    ? Object.entries(value).flatMap(([key, inner]) => flatten(inner, [...path, key]))
    : [`${path.join('/')}: ${typeof value}`];

export function handleSummary(data) {
  if (__ENV.RETURN === 'nothing') return undefined;
  if (__ENV.RETURN === 'number') return 5;
  const own = Object.fromEntries(Object.entries(data.metrics).filter(([name]) => /^(checks|c1|g1|r1|t1)/.test(name)).sort());
  for (const [name, metric] of Object.entries(own)) {
    own[name] = Object.assign({}, metric, { values: Object.assign({}, metric.values) });
    delete own[name].values.rate; // a counter's depends on the clock
  }
  return {
    'report.txt': [`${'setup_data' in data} ${data.setup_data} ${data.options.noColor}`].concat(flatten(ordered(Object.assign({}, data, { metrics: Object.keys(own) }))).concat(Object.entries(ordered(own)).map((entry) => JSON.stringify(entry)), JSON.stringify(ordered(data.root_group)))).join('\n'),
    'bytes.bin': new Uint8Array([104, 105]).buffer,
    'no/such/folder/file.txt': 'lost',
    stdout: 'to standard output\n',
    stderr: '',
  };
}
