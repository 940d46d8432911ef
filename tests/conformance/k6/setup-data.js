// What becomes of the value that setup returns on its way to the virtual users and teardown.
import { show } from './lib/show.js';

export function setup() {
  return {
    undef: undefined,
    nil: null,
    date: new Date(Date.UTC(2020, 1, 2, 3, 4, 5, 678)),
    bytes: new Uint8Array([1, 2, 255]),
    nested: { list: [1, 'two', { three: 3 }, undefined], flag: true },
    big: 12345678901234,
    fraction: 0.1,
    text: 'é "quoted" \u2028',
    empty: {},
  };
}

export default function (data) {
  for (const key of Object.keys(data).sort()) show(key, data[key]);
}

export function teardown(data) {
  show('teardown sees', data.nested);
}
