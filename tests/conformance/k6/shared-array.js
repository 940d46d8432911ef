// SharedArray: built once, read by all, never written.
// @functions k6/data.SharedArray
// @options vus iterations
// @order any
import { SharedArray } from 'k6/data';
import { attempt, show } from './lib/show.js';

const users = new SharedArray('users', () => {
  console.log('built once');
  return JSON.parse(open('./data/users.json'));
});
const same = new SharedArray('users', () => {
  console.log('never built');
  return [];
});
const mixed = new SharedArray('mixed', () => [1, 'two', null, [3], { four: [4] }, true]);

export const options = { vus: 2, iterations: 2 };

// In the first virtual user: how often else the script is evaluated is the engine's business.
if (__VU === 1) {
  attempt('no name', () => new SharedArray('', () => [1]).length);
  attempt('no array', () => new SharedArray('none', () => ({ a: 1 })).length);
  attempt('no function', () => new SharedArray('nothing').length);
  attempt('async', () => new SharedArray('later', async () => [1]).length);
}

export default function () {
  show('length', [users.length, same.length]);
  show('index', [users[0], users[2].name, users[3], users[-1]]);
  show('iterates', [...users].map((user) => user.n));
  const sum = [];
  for (const user of users) sum.push(user.name);
  users.forEach((user, index) => sum.push(index + user.n));
  show('loops', sum);
  show('methods', [users.map((u) => u.n), users.filter((u) => u.n > 1).length, users.find((u) => u.n === 2).name, users.slice(1).length]);
  show('mixed', mixed.map((value) => value));
  show('is array', Array.isArray(users));
  show('keys', Object.keys(mixed));
  attempt('write an element', () => (users[0] = 1));
  attempt('push', () => users.push(1));
  attempt('write in an element', () => {
    'use strict';
    users[0].name = 'eve';
    return users[0].name;
  });
  show('unchanged', users[0].name);
  show('frozen', [Object.isFrozen(users[0]), Object.isFrozen(mixed[4].four)]);
  attempt('new in an iteration', () => new SharedArray('late', () => [1]).length);
}
