// The order of the stages, how often each runs, and what __VU and __ITER are in each.
// @functions k6/execution.vu
// @options vus iterations
// @executors per-vu-iterations
import exec from 'k6/execution';
import http from 'k6/http';
import { ordered } from './lib/show.js';

if (__VU > 0) console.log(`init in VU ${__VU}, __ITER ${typeof __ITER}`);

export const options = {
  scenarios: { main: { executor: 'per-vu-iterations', vus: 1, iterations: 3 } },
};

export function setup() {
  console.log(`setup in VU ${__VU}, __ITER ${typeof __ITER}`);
  return { from: 'setup', count: http.get(`${__ENV.HTTP}/count/setup`).body };
}

export default function (data) {
  data.touched = (data.touched || 0) + 1;
  console.log(`iteration ${__ITER} of VU ${__VU} (${exec.vu.idInTest}): ${JSON.stringify(ordered(data))}`);
}

export function teardown(data) {
  console.log(`teardown in VU ${__VU}, __ITER ${typeof __ITER}: ${JSON.stringify(ordered(data))}`);
  http.get(`${__ENV.HTTP}/count/teardown`);
}
