// constant-arrival-rate: starts at a fixed rate, more virtual users when they run out, drops after that.
// @executors constant-arrival-rate
// @options scenarios
// @run steady
// @env steady KIND=steady
// @run starved
// @env starved KIND=starved
// @run per-minute
// @env per-minute KIND=minute
// @near 1
// @order any
import { sleep } from 'k6';
import { Counter } from 'k6/metrics';
import exec from 'k6/execution';

const starts = new Counter('starts');
const KINDS = {
  steady: { executor: 'constant-arrival-rate', rate: 20, duration: '1s', preAllocatedVUs: 4 },
  starved: { executor: 'constant-arrival-rate', rate: 10, duration: '1s', preAllocatedVUs: 1, maxVUs: 1, gracefulStop: '3s' },
  minute: { executor: 'constant-arrival-rate', rate: 300, timeUnit: '1m', duration: '1s', preAllocatedVUs: 2 },
};

export const options = { scenarios: { main: KINDS[__ENV.KIND] } };

export default function () {
  starts.add(1);
  sleep(__ENV.KIND === 'starved' ? 2 : 0.01);
}
