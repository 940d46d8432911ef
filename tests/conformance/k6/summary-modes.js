// The summary at the end in each mode and with each setting of its numbers.
// @options summaryMode summaryTrendStats summaryTimeUnit noSummary
// @run compact
// @run full --summary-mode full
// @run legacy --summary-mode legacy
// @run none --no-summary
// @run trend-stats --summary-trend-stats avg,p(99),count
// @run unit --summary-time-unit us
// @differs /trend-stats/stdout k6 leaves the value of a threshold empty when its statistic is not among those shown
// @stdout
import http from 'k6/http';
import { check, group } from 'k6';
import { Counter, Gauge, Rate, Trend } from 'k6/metrics';

const counter = new Counter('my_counter');
const gauge = new Gauge('my_gauge');
const rate = new Rate('my_rate');
const trend = new Trend('my_trend');
const time = new Trend('my_time', true);

export const options = {
  thresholds: {
    checks: ['rate>0.9'],
    http_req_duration: ['max<60000'],
    'my_trend{a:b}': ['max<10'],
    my_counter: ['count>1'],
  },
  scenarios: {
    one: { executor: 'per-vu-iterations', iterations: 2 },
    two: { executor: 'shared-iterations', exec: 'other', startTime: '1200ms' },
  },
};

export default function () {
  http.get(`${__ENV.HTTP}/`);
  group('outer', () => {
    check(1, { 'always passes': true, 'never passes': false });
    group('inner', () => http.get(`${__ENV.HTTP}/status/404`));
  });
}

export function other() {
  counter.add(3);
  gauge.add(2);
  rate.add(true);
  trend.add(5, { a: 'b' });
  time.add(1500);
  check(1, { 'in another scenario': true });
}
