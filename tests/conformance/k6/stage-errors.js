// A throw in each stage: the exit code, which later stages run, and what is still reported.
// @run init
// @env init THROW=init
// @run setup
// @env setup THROW=setup
// @run default
// @env default THROW=default
// @run teardown
// @env teardown THROW=teardown
// @run summary
// @env summary THROW=summary
// @run unserialisable
// @env unserialisable THROW=function
import { Counter } from 'k6/metrics';

const reached = new Counter('reached');
const stage = (name) => {
  console.log(name);
  if (__ENV.THROW === name) throw new Error(`thrown in ${name}`);
};

if (__ENV.THROW === 'init') throw new Error('thrown in init');

export function setup() {
  stage('setup');
  if (__ENV.THROW === 'function') return { f: () => 1 };
  return 1;
}
export default function () {
  reached.add(1);
  stage('default');
}
export function teardown() {
  stage('teardown');
}
export function handleSummary(data) {
  stage('summary');
  console.log(Object.keys(data.metrics).includes('reached'));
  return {};
}
