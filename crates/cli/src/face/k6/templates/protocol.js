// {{ .ScriptName }}: a test with stages, checks and thresholds.
import http from 'k6/http';
import { check, group, sleep } from 'k6';

const BASE_URL = __ENV.BASE_URL || 'http://127.0.0.1:5000';

export const options = {
  cloud: { projectID: {{ .ProjectID }} },
  // Up to 10 virtual users, hold, and down again.
  stages: [
    { duration: '10s', target: 10 },
    { duration: '30s', target: 10 },
    { duration: '10s', target: 0 },
  ],
  // The run fails (exit code 99) when one of these is crossed.
  thresholds: {
    http_req_failed: ['rate<0.01'],
    http_req_duration: ['p(95)<500'],
  },
};

// Runs once, before the virtual users; what it returns they get as their argument.
export function setup() {
  const response = http.get(`${BASE_URL}/`);
  return { reachable: response.status > 0 };
}

export default function (data) {
  if (!data.reachable) {
    throw new Error(`nothing answers at ${BASE_URL}`);
  }
  group('front page', () => {
    const response = http.get(`${BASE_URL}/`);
    check(response, { 'status is 200': (r) => r.status === 200 });
  });
  sleep(1);
}
