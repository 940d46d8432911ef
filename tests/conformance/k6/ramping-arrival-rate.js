// ramping-arrival-rate: the rate of starts follows the stages.
// @executors ramping-arrival-rate
// @options scenarios
// @run up
// @env up KIND=up
// @run stairs
// @env stairs KIND=stairs
// @near 1
// @order any
import { Counter } from 'k6/metrics';

const starts = new Counter('starts');
const KINDS = {
  up: { executor: 'ramping-arrival-rate', startRate: 0, preAllocatedVUs: 5, stages: [{ duration: '2s', target: 20 }] },
  stairs: {
    executor: 'ramping-arrival-rate', startRate: 10, timeUnit: '1s', preAllocatedVUs: 5,
    stages: [{ duration: '500ms', target: 10 }, { duration: '0s', target: 40 }, { duration: '500ms', target: 40 }],
  },
};

export const options = { scenarios: { main: KINDS[__ENV.KIND] } };

export default function () {
  starts.add(1);
}
