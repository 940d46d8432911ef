// Several scenarios: exec, env, tags, startTime, virtual users shared one after the other.
// @executors shared-iterations per-vu-iterations
// @options scenarios
import { check, sleep } from 'k6';
import exec from 'k6/execution';
import { Counter } from 'k6/metrics';
import { show } from './lib/show.js';

const runs = new Counter('runs');

export const options = {
  scenarios: {
    second: { executor: 'per-vu-iterations', exec: 'work', vus: 1, iterations: 2, startTime: '1s', env: { WHO: 'second' }, tags: { kind: 'late' } },
    first: { executor: 'shared-iterations', exec: 'work', iterations: 2, env: { WHO: 'first', HTTP: 'overridden' }, tags: { kind: 'early' }, maxDuration: '1s', gracefulStop: '0s' },
    third: { executor: 'per-vu-iterations', startTime: '1500ms' },
  },
};

export function work() {
  runs.add(1);
  show('work', [exec.scenario.name, __ENV.WHO, __ENV.HTTP === 'overridden', exec.vu.iterationInScenario]);
  check(1, { 'in a scenario': true });
  sleep(0.01);
}

export default function () {
  runs.add(1);
  show('default', [exec.scenario.name, __ENV.WHO === undefined, exec.vu.iterationInScenario]);
}
