// constant-vus: a number of looping virtual users for a duration, also by the shortcut; gracefulStop.
// @executors constant-vus
// @options duration vus scenarios
// @run scenario
// @env scenario KIND=scenario
// @run flags -u 2 -d 1s
// @run interrupted
// @env interrupted KIND=interrupted
// @order any
import { sleep } from 'k6';
import { Counter } from 'k6/metrics';
import exec from 'k6/execution';

const begun = new Counter('begun');
const KINDS = {
  scenario: { executor: 'constant-vus', vus: 3, duration: '1s', gracefulStop: '5s' },
  interrupted: { executor: 'constant-vus', vus: 2, duration: '1s', gracefulStop: '300ms' },
};

export const options = __ENV.KIND ? { scenarios: { main: KINDS[__ENV.KIND] } } : {};

export default function () {
  begun.add(1);
  console.log(`VU ${exec.vu.idInTest} iteration ${exec.vu.iterationInScenario}`);
  // Two iterations each: the second begins before the end and ends after it.
  sleep(__ENV.KIND === 'interrupted' && exec.vu.iterationInScenario > 0 ? 10 : 0.7);
}
