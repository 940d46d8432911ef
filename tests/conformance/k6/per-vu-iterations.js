// per-vu-iterations: a number of iterations for each virtual user, and what is dropped at maxDuration.
// @executors per-vu-iterations
// @options scenarios
// @run all
// @env all KIND=all
// @run cut
// @env cut KIND=cut
// @order any
import { sleep } from 'k6';
import exec from 'k6/execution';

const KINDS = {
  all: { executor: 'per-vu-iterations', vus: 3, iterations: 4 },
  cut: { executor: 'per-vu-iterations', vus: 2, iterations: 5, maxDuration: '1s', gracefulStop: '2s' },
};

export const options = { scenarios: { main: KINDS[__ENV.KIND] } };

export default function () {
  console.log(`VU ${exec.vu.idInTest} iteration ${exec.vu.iterationInScenario}`);
  sleep(__ENV.KIND === 'cut' ? 0.7 : 0.01);
}
