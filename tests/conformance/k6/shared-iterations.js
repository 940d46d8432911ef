// shared-iterations: one pot of iterations for all virtual users, also by the shortcut, and maxDuration.
// @executors shared-iterations
// @options iterations vus scenarios
// @run pot
// @env pot KIND=pot
// @run flags --vus 3 --iterations 7
// @run cut
// @env cut KIND=cut
// @order any
// @spread /cut/metrics/dropped_iterations/count each worker counts what it drops in a sample of its own; the sum is the same
// @spread /cut/metrics/dropped_iterations/tags each worker counts what it drops in a sample of its own
import { sleep } from 'k6';
import exec from 'k6/execution';

const KINDS = {
  pot: { executor: 'shared-iterations', vus: 4, iterations: 10, maxDuration: '20s' },
  cut: { executor: 'shared-iterations', vus: 2, iterations: 10, maxDuration: '1s', gracefulStop: '200ms' },
};

export const options = __ENV.KIND ? { scenarios: { main: KINDS[__ENV.KIND] } } : {};

export default function () {
  console.log(`iteration ${exec.scenario.iterationInTest} of ${exec.scenario.name}`);
  sleep(__ENV.KIND === 'cut' ? (exec.scenario.iterationInTest < 2 ? 0.6 : 5) : 0.02);
}
