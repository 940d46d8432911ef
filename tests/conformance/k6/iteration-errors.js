// A throw ends one iteration, counts as one, and the test goes on.
// @options iterations
import { Counter } from 'k6/metrics';
import { check, group } from 'k6';
import { show } from './lib/show.js';

const started = new Counter('started');
export const options = { iterations: 8 };

export default function () {
  started.add(1);
  switch (__ITER) {
    case 0: throw new Error('an error');
    case 1: throw 'a string';
    case 2: throw { an: 'object' };
    case 3: return undefinedFunction();
    case 4: return group('in a group', () => null.property);
    case 5: return new Promise((resolve, reject) => reject(new RangeError('rejected')));
    case 6:
      try {
        JSON.parse('{');
      } catch (error) {
        show('caught', [error instanceof SyntaxError, error.name]);
      }
      break;
    default: check(1, { 'still running': true });
  }
}
