// Interrupting a run: the exit code, and that teardown and the summary still come.
// @run interrupt
// @signal interrupt INT ready
// @run terminate
// @signal terminate TERM ready
// @near 3
import { sleep } from 'k6';

export const options = { vus: 1, duration: '60s' };

export default function () {
  console.log('ready');
  sleep(20);
}
export function teardown() {
  console.log('teardown');
}
export function handleSummary(data) {
  console.log(`summary of ${Object.keys(data.metrics).length > 0}`);
  return {};
}
