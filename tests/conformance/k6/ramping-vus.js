// ramping-vus: virtual users by stages, also by the shortcut; a jump, a ramp down that interrupts.
// @executors ramping-vus
// @options stages vus scenarios
// @run scenario
// @env scenario KIND=scenario
// @run flags --stage 500ms:2,500ms:2
// @run jump
// @env jump KIND=jump
// @near 2
// @order any
import { sleep } from 'k6';
import { Counter } from 'k6/metrics';
import exec from 'k6/execution';

const users = new Counter('users');
const KINDS = {
  scenario: {
    executor: 'ramping-vus', startVUs: 1, gracefulRampDown: '1s',
    stages: [{ duration: '600ms', target: 4 }, { duration: '400ms', target: 4 }, { duration: '400ms', target: 0 }],
  },
  jump: {
    executor: 'ramping-vus', startVUs: 0, gracefulRampDown: '0s', gracefulStop: '0s',
    stages: [{ duration: '0s', target: 3 }, { duration: '500ms', target: 3 }, { duration: '0s', target: 1 }, { duration: '500ms', target: 1 }],
  },
};

export const options = __ENV.KIND ? { scenarios: { main: KINDS[__ENV.KIND] } } : {};

export default function () {
  if (exec.vu.iterationInScenario === 0) users.add(1, { vu: `${exec.vu.idInTest}` });
  sleep(0.2);
}
