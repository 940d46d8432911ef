// Thresholds of every kind, passing and failing, on metrics and on parts of them.
// @options thresholds
// @run pass
// @run fail
// @env fail LIMIT=low
// @run off --no-thresholds
// @env off LIMIT=low
import http from 'k6/http';
import { check, group } from 'k6';
import { Counter, Gauge, Rate, Trend } from 'k6/metrics';

const counter = new Counter('my_counter');
const gauge = new Gauge('my_gauge');
const rate = new Rate('my_rate');
const trend = new Trend('my_trend');
new Rate('empty_rate');
new Counter('empty_counter');
new Trend('empty_trend');

const low = __ENV.LIMIT === 'low';

export const options = {
  thresholds: {
    my_counter: [low ? 'count<3' : 'count>=3', 'rate>0'],
    my_gauge: ['value>4', 'value != 6'],
    my_rate: [{ threshold: low ? 'rate<0.1' : 'rate>0.3', abortOnFail: false }],
    my_trend: ['avg<100', 'min>=1', 'max<=10', 'med==5.5', 'p(90)<9.2', 'p(99.9)<10'],
    'my_trend{kind:even}': ['avg===6'],
    'my_trend{kind:none}': ['avg<1'],
    'my_counter{a:1,b:2}': ['count==1'],
    'http_req_duration{name:own}': ['max<60000'],
    'http_reqs{status:200}': ['count==2'],
    'checks{group:::g}': ['rate>0.9'],
    checks: [low ? 'rate>0.9' : 'rate>0.1'],
    empty_rate: ['rate>0.5'],
    empty_counter: ['count<1'],
    empty_trend: ['p(95)<1'],
    iterations: ['count>0'],
  },
};

export default function () {
  counter.add(2);
  counter.add(1, { a: '1', b: '2' });
  gauge.add(5);
  for (const ok of [true, false]) rate.add(ok);
  for (let n = 1; n <= 10; n += 1) trend.add(n, { kind: n % 2 ? 'odd' : 'even' });
  http.get(`${__ENV.HTTP}/`, { tags: { name: 'own' } });
  http.get(`${__ENV.HTTP}/`);
  http.get(`${__ENV.HTTP}/status/404`);
  check(1, { passes: true, fails: false });
  group('g', () => check(1, { 'in g': true }));
}
