// One request, one check, one threshold: what a request costs the generator.
import http from 'k6/http';
import { check } from 'k6';

export const options = { thresholds: { http_req_failed: ['rate<0.01'] } };

export default function () {
  const r = http.get(__ENV.TARGET);
  check(r, { 'status is 200': (r) => r.status === 200 });
}
