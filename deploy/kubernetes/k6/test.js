import http from 'k6/http';
import { check, sleep } from 'k6';

export const options = {
  stages: [
    { duration: '30s', target: 30 },
    { duration: '1m', target: 30 },
    { duration: '10s', target: 0 },
  ],
  thresholds: { http_req_duration: ['p(95)<500'], checks: ['rate>0.95'] },
};

export default function () {
  const answer = http.get(`${__ENV.BASE_URL}/employees`);
  check(answer, { 'status is 200': (r) => r.status === 200 });
  sleep(1);
}
