// Timers, and that an iteration ends only when none is left.
// @functions k6/timers.setTimeout k6/timers.clearTimeout k6/timers.setInterval k6/timers.clearInterval
// @options iterations
import { clearTimeout as clearNamed, setTimeout as setNamed } from 'k6/timers';
import { attempt, show } from './lib/show.js';

export const options = { iterations: 2 };

export default function () {
  const start = Date.now();
  console.log('sync');
  Promise.resolve().then(() => console.log('microtask'));
  setTimeout(() => console.log('timeout 0'));
  setTimeout(() => show('timeout 30', Date.now() - start >= 29), 30);
  setTimeout((a, b) => console.log(`arguments ${a} ${b}`), 10, 'one', 2);
  setNamed(() => console.log('named import'), 20);
  clearTimeout(setTimeout(() => console.log('never'), 5));
  clearNamed(setNamed(() => console.log('never'), 5));
  clearTimeout(12345);
  let ticks = 0;
  const interval = setInterval(() => {
    ticks += 1;
    console.log(`tick ${ticks}`);
    if (ticks === 3) clearInterval(interval);
  }, 40);
  attempt('no function', () => setTimeout('code', 1));
  attempt('negative', () => clearTimeout(setTimeout(() => {}, -5)) === undefined);
  console.log('end of the function');
}
