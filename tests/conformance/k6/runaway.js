// A loop without end does not outlive the test.
// @options duration
// @executors constant-vus
import { Counter } from 'k6/metrics';

const begun = new Counter('begun');

export const options = { scenarios: { main: { executor: 'constant-vus', duration: '1s', gracefulStop: '200ms' } } };

export default function () {
  begun.add(1);
  for (;;);
}
