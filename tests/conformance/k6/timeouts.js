// setupTimeout and teardownTimeout end those stages; the exit code says which.
// @options setupTimeout teardownTimeout
// @run setup
// @env setup SLOW=setup
// @run teardown
// @env teardown SLOW=teardown
// @run env
// @env env SLOW=teardown
// @env env K6_TEARDOWN_TIMEOUT=100ms
import { sleep } from 'k6';

export const options = { setupTimeout: '1s', teardownTimeout: 1000 };

export function setup() {
  if (__ENV.SLOW === 'setup') sleep(30);
}
export default function () {
  console.log('iteration');
}
export function teardown() {
  console.log('teardown');
  if (__ENV.SLOW === 'teardown') sleep(30);
}
