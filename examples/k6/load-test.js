// A load test of the employees API: every endpoint once per iteration, in five phases.
//
//   throng run examples/k6/load-test.js -e BASE_URL=http://localhost:5000
//   k6     run examples/k6/load-test.js -e BASE_URL=http://localhost:5000
//
// Each iteration creates an employee and deletes it again, so a finished run leaves nothing behind.
import http from 'k6/http';
import { check, sleep } from 'k6';
import { Rate } from 'k6/metrics';

const errors = new Rate('errors');

export const options = {
  stages: [
    { duration: '30s', target: 10 }, // warm up
    { duration: '1m', target: 20 }, // normal load
    { duration: '30s', target: 30 }, // peak
    { duration: '1m', target: 20 }, // back to normal
    { duration: '30s', target: 0 }, // wind down
  ],
  thresholds: {
    http_req_duration: ['p(95)<500'], // 95 % of the requests in under 500 ms
    errors: ['rate<0.1'], // fewer than 10 % of the checks fail
  },
};

const BASE_URL = __ENV.BASE_URL || 'http://localhost:5000';
const JSON_BODY = { headers: { 'Content-Type': 'application/json' } };

// A check that also feeds the `errors` rate.
function verify(response, expectations) {
  const passed = check(response, expectations);
  errors.add(!passed);
  return passed;
}

// The body as JSON, or an empty object when the server answered something else.
function json(response) {
  try {
    return response.json() || {};
  } catch (error) {
    return {};
  }
}

export default function () {
  const health = http.get(`${BASE_URL}/health`);
  verify(health, {
    'health check status 200': (r) => r.status === 200,
    'health check is healthy': (r) => json(r).status === 'healthy',
  });

  const list = http.get(`${BASE_URL}/employees?page=1&per_page=10`);
  verify(list, {
    'GET employees status 200': (r) => r.status === 200,
    'employees list returned': (r) => Array.isArray(json(r).employees),
  });

  const stats = http.get(`${BASE_URL}/stats`);
  verify(stats, {
    'GET stats status 200': (r) => r.status === 200,
    'stats contains total_employees': (r) => json(r).total_employees !== undefined,
  });

  const created = http.post(
    `${BASE_URL}/employees`,
    JSON.stringify({
      name: `LoadTest User ${__VU}-${__ITER}`,
      email: `loadtest-${__VU}-${__ITER}-${Date.now()}@example.com`,
      department: 'Testing',
      position: 'Tester',
      salary: 50000,
    }),
    Object.assign({ tags: { name: 'POST /employees' } }, JSON_BODY),
  );
  const id = json(created).id;
  const exists = verify(created, {
    'POST employee status 201': (r) => r.status === 201,
    'employee created with ID': () => id !== undefined,
  });

  if (exists) {
    // One name for all ids: otherwise each employee would be a series of its own.
    const url = `${BASE_URL}/employees/${id}`;

    const updated = http.put(
      url,
      JSON.stringify({ position: 'Senior Tester', salary: 60000 }),
      Object.assign({ tags: { name: 'PUT /employees/:id' } }, JSON_BODY),
    );
    verify(updated, { 'PUT employee status 200': (r) => r.status === 200 });

    const read = http.get(url, { tags: { name: 'GET /employees/:id' } });
    verify(read, { 'GET specific employee status 200': (r) => r.status === 200 });

    const deleted = http.del(url, null, { tags: { name: 'DELETE /employees/:id' } });
    verify(deleted, { 'DELETE employee status 200': (r) => r.status === 200 });
  }

  sleep(1);
}
