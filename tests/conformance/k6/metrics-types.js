// Custom metrics: the four kinds, what add takes, tags, names, declaring twice.
// @functions k6/metrics.Counter k6/metrics.Gauge k6/metrics.Rate k6/metrics.Trend Metric.add Metric.name
// @options iterations
import { Counter, Gauge, Rate, Trend } from 'k6/metrics';
import { attempt, show } from './lib/show.js';

const counter = new Counter('my_counter');
const gauge = new Gauge('my_gauge');
const rate = new Rate('my_rate');
const trend = new Trend('my_trend');
const time = new Trend('my_time', true);
const data = new Counter('my_timed_counter', true);
new Trend('never_added');

export const options = { iterations: 2 };

const same = new Counter('my_counter');
// In the first virtual user: how often else the script is evaluated is the engine's business.
if (__VU === 1) {
  attempt('another type', () => new Gauge('my_counter').name);
  attempt('another unit', () => new Trend('my_trend', true).name);
  for (const name of ['a', 'ab', '1a', '_a', 'a-b', 'a b', 'é1', 'x'.repeat(128), 'x'.repeat(129), 'x'.repeat(130), '']) {
    attempt(`name ${name.length > 20 ? name.length : name}`, () => new Counter(name).name.length);
  }
  attempt('no name', () => new Counter().name);
  attempt('add in init', () => counter.add(1));
}

export default function () {
  show('names', [counter.name, gauge.name, rate.name, trend.name, time.name]);
  show('returns', [counter.add(1), gauge.add(2), rate.add(true), trend.add(3), time.add(4.5)]);
  counter.add(2.5, { colour: 'red', n: 5, yes: true });
  same.add(10);
  gauge.add(-7);
  gauge.add(3, { colour: 'red' });
  for (const value of [false, 0, 1, 2, -1]) rate.add(value);
  for (const value of [10, -20, 0.001, 1e9, true]) trend.add(value, { phase: 'many' });
  time.add(0.25);
  data.add(1024);
  for (const value of [NaN, null, undefined, 'text', '12', {}, [], [5]]) {
    attempt(`add ${JSON.stringify(value)} ${typeof value}`, () => trend.add(value));
  }
  attempt('add nothing', () => counter.add());
  attempt('an object as a tag', () => counter.add(1, { bad: {} }));
  attempt('null as a tag', () => counter.add(1, { bad: null }));
  attempt('no tags', () => counter.add(1, null));
  attempt('new in an iteration', () => new Counter('too_late').name);
}
