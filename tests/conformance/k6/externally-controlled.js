// externally-controlled: a fixed number of virtual users until someone says otherwise.
// @executors externally-controlled
// @options scenarios
// @order any
import { sleep } from 'k6';
import exec from 'k6/execution';

export const options = { scenarios: { main: { executor: 'externally-controlled', vus: 2, maxVUs: 4, duration: '1s' } } };

export default function () {
  console.log(`iteration ${exec.vu.iterationInScenario}`);
  sleep(0.7);
}
