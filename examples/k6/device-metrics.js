// The tasks of the "distributed load testing using Kubernetes" sample as a k6 script: each virtual
// user is a device that logs in once and then posts metrics a thousand times as often.
//
//   throng run examples/k6/device-metrics.js -e BASE_URL=http://localhost:5000
import http from 'k6/http';
import { check, sleep } from 'k6';
import exec from 'k6/execution';

export const options = {
  vus: 20,
  duration: '30s',
  thresholds: { checks: ['rate>0.99'] },
};

const BASE_URL = __ENV.BASE_URL || 'http://localhost:5000';
const LOGINS_PER_METRIC = 1 / 1000;

let deviceid; // one per virtual user, kept between its iterations

function login() {
  const answer = http.post(`${BASE_URL}/login`, { deviceid });
  check(answer, { 'logged in': (r) => r.status === 200 && r.body.includes(deviceid) });
}

function metrics() {
  const answer = http.post(`${BASE_URL}/metrics`, { deviceid, timestamp: new Date().toISOString() });
  check(answer, { 'metrics taken': (r) => r.status === 200 && r.body.includes(deviceid) });
}

export default function () {
  if (deviceid === undefined) {
    deviceid = `device-${exec.vu.idInTest}`;
    login();
  }
  if (Math.random() < LOGINS_PER_METRIC) login();
  else metrics();
  sleep(0.1);
}
