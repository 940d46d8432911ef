// fail ends an iteration, sleep takes its time, randomSeed makes Math.random repeatable.
// @functions k6.fail k6.sleep k6.randomSeed
// @options iterations
import { fail, randomSeed, sleep } from 'k6';
import { attempt, show } from './lib/show.js';

export const options = { iterations: 2 };

const took = (action) => {
  const start = Date.now();
  action();
  return Date.now() - start;
};

export default function () {
  randomSeed(42);
  const first = [Math.random(), Math.random()];
  randomSeed(42);
  show('same seed, same numbers', first[0] === Math.random() && first[1] === Math.random());
  randomSeed(43);
  show('another seed', first[0] === Math.random());
  const slept = took(() => sleep(0.25));
  show('slept a quarter of a second', slept >= 245 && slept < 1000);
  show('did not sleep', took(() => sleep(0)) < 100);
  attempt('fail', () => fail('enough'));
  if (__ITER === 0) fail();
  console.log('only in the second iteration');
}
