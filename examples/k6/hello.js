// The smallest useful test: a fixed rate of requests, whatever the server's speed.
//
//   throng run examples/k6/hello.js -e BASE_URL=http://localhost:5000
import http from 'k6/http';
import { check } from 'k6';

export const options = {
  scenarios: {
    hello: {
      executor: 'constant-arrival-rate',
      rate: 50, // iterations per second
      duration: '20s',
      preAllocatedVUs: 10,
      maxVUs: 50,
    },
  },
  thresholds: {
    http_req_failed: ['rate<0.01'],
    http_req_duration: ['p(99)<200'],
  },
};

const BASE_URL = __ENV.BASE_URL || 'http://localhost:5000';

export default function () {
  const answer = http.get(`${BASE_URL}/hello`);
  check(answer, { 'says hello': (r) => r.status === 200 && r.body.includes('Hello') });
}
