// Stages that end in nothing: the scenario is over with its last iteration, and the rates of the summary know no later time.
// @executors ramping-vus ramping-arrival-rate
// @options scenarios thresholds
// @run users
// @env users KIND=users
// @run rate
// @env rate KIND=rate
// @run fading
// @env fading KIND=fading
// @near 2
// @order any
import { sleep } from 'k6';

const KINDS = {
  // 15 iterations in 0.6 s; in the 2.5 s of all stages they would be 6 a second.
  users: {
    executor: 'ramping-vus', startVUs: 3,
    stages: [{ duration: '500ms', target: 3 }, { duration: '0s', target: 0 }, { duration: '2s', target: 0 }],
  },
  // 10 in 0.6 s, or 4 a second.
  rate: {
    executor: 'ramping-arrival-rate', startRate: 20, preAllocatedVUs: 4,
    stages: [{ duration: '500ms', target: 20 }, { duration: '0s', target: 0 }, { duration: '2s', target: 0 }],
  },
  // The last start is 1.2 s before the end of the stages.
  fading: {
    executor: 'ramping-arrival-rate', startRate: 20, preAllocatedVUs: 4,
    stages: [{ duration: '400ms', target: 1 }, { duration: '1100ms', target: 0 }],
  },
};

export const options = {
  scenarios: { main: KINDS[__ENV.KIND] },
  thresholds: { iterations: [__ENV.KIND === 'fading' ? 'rate>4.5' : 'rate>10'] },
};

export default function () {
  sleep(0.1);
}
