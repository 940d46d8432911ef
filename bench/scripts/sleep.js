// A virtual user as most are: one request, then a second of thinking.
import http from 'k6/http';
import { check, sleep } from 'k6';

export default function () {
  const r = http.get(__ENV.TARGET);
  check(r, { 'status is 200': (r) => r.status === 200 });
  sleep(1);
}
