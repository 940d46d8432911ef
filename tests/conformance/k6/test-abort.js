// exec.test.abort stops everything, exec.test.fail marks the run; teardown and the summary come anyway.
// @functions exec.test.abort exec.test.fail
// @run iteration
// @env iteration WHERE=default
// @run setup
// @env setup WHERE=setup
// @run init
// @env init WHERE=init
// @run fail
// @env fail WHERE=fail
// @run group
// @env group WHERE=group
import { group } from 'k6';
import exec from 'k6/execution';
import { Counter } from 'k6/metrics';

const reached = new Counter('reached');
export const options = { iterations: 3 };

if (__ENV.WHERE === 'init') exec.test.abort('in init');

export function setup() {
  if (__ENV.WHERE === 'setup') exec.test.abort();
}
export default function () {
  reached.add(1);
  console.log(`iteration ${__ITER}`);
  if (__ENV.WHERE === 'fail') exec.test.fail('marked');
  if (__ITER < 1) return;
  try {
    if (__ENV.WHERE === 'default') exec.test.abort('enough');
    if (__ENV.WHERE === 'group') group('in a group', () => exec.test.abort('in a group'));
  } catch (error) {
    console.log('caught');
  }
  console.log('after');
}
export function teardown() {
  console.log('teardown');
}
export function handleSummary(data) {
  console.log(`summary with ${Object.keys(data.metrics).filter((name) => name === 'reached')}`);
  return {};
}
