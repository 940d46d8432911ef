// abortOnFail ends the run early, delayAbortEval postpones that.
// @options thresholds
// @run at-once
// @run delayed
// @env delayed DELAY=1m
// @near 40
import { sleep } from 'k6';
import { Rate } from 'k6/metrics';

const bad = new Rate('bad');
const threshold = { threshold: 'rate<0.5', abortOnFail: true };
if (__ENV.DELAY) threshold.delayAbortEval = __ENV.DELAY;

export const options = {
  thresholds: { bad: [threshold] },
  scenarios: { main: { executor: 'constant-vus', vus: 1, duration: __ENV.DELAY ? '3s' : '30s', gracefulStop: '0s' } },
};

export default function () {
  bad.add(true);
  sleep(0.1);
}

export function teardown() {
  console.log('teardown');
}
