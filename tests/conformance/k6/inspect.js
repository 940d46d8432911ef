// `inspect`: the options as they are after every layer, and what the run will need.
// @options scenarios thresholds tags userAgent stages systemTags hosts dns
// @command options inspect
// @command requirements inspect
// @run requirements --execution-requirements
export const options = {
  scenarios: {
    up: { executor: 'ramping-vus', startVUs: 2, stages: [{ duration: '10s', target: 5 }, { duration: '1m30s', target: 0 }], gracefulRampDown: '5s' },
    rate: { executor: 'constant-arrival-rate', rate: 10, timeUnit: '500ms', duration: '1m', preAllocatedVUs: 3, maxVUs: 7, startTime: '30s', tags: { a: 'b' }, env: { C: 'd' } },
  },
  thresholds: { http_req_duration: ['p(95)<500', { threshold: 'avg<200', abortOnFail: true, delayAbortEval: '10s' }] },
  tags: { run: 'inspected' },
  userAgent: 'script',
  systemTags: ['url', 'status'],
  hosts: { 'mapped.test': '127.0.0.1:8080' },
  dns: { ttl: '1m', select: 'first', policy: 'any' },
  noSetup: true,
  batch: 5,
};

export default function () {}
