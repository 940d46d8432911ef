// check and group: results, tags, nesting, and what they refuse.
// @functions k6.check k6.group
// @options iterations
import { check, group } from 'k6';
import { attempt, show } from './lib/show.js';

export const options = { iterations: 2 };

export default function () {
  show('all pass', check(5, { 'is five': (v) => v === 5, truthy: 1, 'a string': 'yes' }));
  show('one fails', check('x', { 'is x': (v) => v === 'x', 'is y': (v) => v === 'y', empty: '' }));
  show('no value', check(null, { 'value is null': (v) => v === null }));
  show('no checks', check(1, {}));
  check(1, { 'with tags': true }, { colour: 'red', n: 1 });
  const result = group('outer', () => {
    check(1, { 'in outer': true });
    group('inner', () => check(__ITER, { 'first iteration': (i) => i === 0 }));
    group('empty', () => {});
    return 'from outer';
  });
  show('group returns', result);
  group('outer', () => check(1, { 'again in outer': true }));
  attempt('a predicate that throws', () => check(1, { before: true, throws: () => { throw new Error('no'); }, after: true }));
  attempt('a group that throws', () => group('throwing', () => { throw new Error('no'); }));
  check(1, { 'back at the root': true });
  attempt('a name with ::', () => check(1, { 'a::b': true }));
  attempt('a group with ::', () => group('a::b', () => {}));
  for (const [kind, value] of [['an object', {}], ['a list', [1]], ['null', null], ['undefined', undefined], ['a function', () => 1], ['a date', new Date(0)]]) {
    attempt(`a tag that is ${kind}`, () => check(1, { tagged: true }, { tag: value }));
  }
  for (const checks of [undefined, null, 5, 'ab', [true, false]]) attempt(`checks that are ${JSON.stringify(checks)}`, () => check(1, checks));
  attempt('no arguments', () => check());
  attempt('tags that are no object', () => check(1, { tagged: true }, 5));
  attempt('an async predicate', () => check(1, { later: async () => true }));
  attempt('an async group', () => group('later', async () => {}));
  attempt('no function', () => group('nothing'));
}
