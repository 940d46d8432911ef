// Without a setup, or with one that returns nothing, the data is undefined; --no-setup and --no-teardown skip them.
// @options noSetup noTeardown
// @run default
// @run no-setup --no-setup
// @run no-teardown --no-teardown
// @run neither
// @env neither K6_NO_SETUP=true
// @env neither K6_NO_TEARDOWN=true
import { show } from './lib/show.js';

export function setup() {
  console.log('setup');
  if (__ENV.NEVER) return 1;
}

export default function (data) {
  show('type of data', typeof data);
}

export function teardown(data) {
  show('teardown', typeof data);
}
