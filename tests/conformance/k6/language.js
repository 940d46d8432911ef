// The language: what scripts of today use.
import { attempt, show } from './lib/show.js';

class Counter {
  static #made = 0;
  #count = 0;
  static { Counter.kind = 'static block'; }
  constructor() { Counter.#made += 1; }
  get count() { return this.#count; }
  add(n = 1) { this.#count += n; return this; }
  static get made() { return Counter.#made; }
  #hidden() { return this.#count; }
  has(other) { return other.#hidden() >= 0; }
}

function* numbers(to) { for (let i = 0; i < to; i += 1) yield i; }

export default async function () {
  const c = new Counter().add().add(4);
  show('classes', [c.count, Counter.made, Counter.kind, c.has(c)]);
  show('optional', [null?.x, undefined?.[0], ({ a: { b: 1 } }).a?.b, null ?? 'default', 0 ?? 1, 0 || 1]);
  let x = null; x ??= 5; let y = 1; y &&= 2; let z = 0; z ||= 3;
  show('assignments', [x, y, z]);
  const { a, ...rest } = { a: 1, b: 2, c: 3 };
  show('spread', [a, rest, [...numbers(3)], { ...rest, d: 4 }, Math.max(...[1, 5, 2])]);
  show('bigint', [(2n ** 64n).toString(), BigInt(5) + 1n === 6n]);
  show('arrays', [[1, [2, [3]]].flat(Infinity), [1, 2, 3].at(-1), [3, 1, 2].toSorted(), [1, 2, 3].findLast((n) => n < 3), [1, 2].includes(2), Array.from({ length: 2 }, (_, i) => i)]);
  show('strings', ['a-b-c'.replaceAll('-', '+'), ' x '.trim(), 'ab'.padStart(4, '.'), 'é'.normalize('NFD').length, 'abc'.at(-1), `${1 + 1}`]);
  show('objects', [Object.entries({ k: 1 }), Object.fromEntries([['k', 2]]), Object.hasOwn({ k: 1 }, 'k')]);
  show('maps', [[...new Map([[1, 'a']]).entries()], [...new Set([1, 1, 2])], new WeakMap() instanceof WeakMap]);
  attempt('match', () => '2020-01-02'.match(/(\d+)-(\d+)/).slice(1));
  attempt('lookbehind', () => 'price 5€'.match(/(?<=price )\d/)[0]);
  attempt('split', () => 'aXbX'.split(/X/));
  attempt('matchAll', () => [...'a1b2'.matchAll(/\d/g)].map((m) => m[0]));
  attempt('sticky', () => { const r = /a/y; r.lastIndex = 1; return r.test('ba'); });
  const proxy = new Proxy({}, { get: (_, key) => `got ${String(key)}` });
  show('proxy', [proxy.anything, Reflect.ownKeys({ b: 1, a: 2 })]);
  show('symbols', [Symbol.iterator in [], Symbol('s').description]);
  show('json', [JSON.stringify({ u: undefined, f() {}, d: new Date(0), n: NaN }), JSON.parse('{"a":[1]}', (k, v) => (typeof v === 'number' ? v + 1 : v))]);
  show('dates', [new Date('2020-02-30T00:00:00Z').getTime(), new Date(Date.UTC(2020, 0, 31)).toISOString(), typeof Date.now()]);
  const date = new Date(Date.UTC(2024, 1, 3, 14, 5, 6));
  show('dates as texts', [date, new Date(NaN)].map((d) => ['toString', 'toDateString', 'toTimeString', 'toLocaleString', 'toLocaleDateString', 'toLocaleTimeString', 'toUTCString'].map((method) => d[method]())));
  show('numbers', [0.1 + 0.2, (1234.5678).toFixed(2), (255).toString(16), parseInt('08', 10), Number.EPSILON > 0, 1_000, 0b11, 0o17]);
  show('typed', [Array.from(new Uint16Array([1, 65536, -1])), new DataView(new ArrayBuffer(4)).getInt32(0)]);
  show('uri', [encodeURIComponent('é &/'), decodeURIComponent('%C3%A9'), encodeURI('http://x/é')]);
  const tag = (strings, ...values) => strings.raw.join('|') + values.join(',');
  show('tagged', tag`a${1}b\n${2}`);
  attempt('errors', () => { throw new TypeError('t', { cause: 1 }); });
  try { null.x; } catch { show('optional catch', true); }
  label: for (const i of [1, 2]) { for (const j of [1, 2]) { if (j === 2) continue label; if (i === 2) break label; } }
  show('async', await (async () => { await null; return 'value'; })());
  show('eval', [eval('1 + 1'), new Function('a', 'return a * 2')(4)]);
  show('globals', ['Promise', 'setTimeout', 'console', 'open', '__ENV', '__VU', 'globalThis', 'global'].map((name) => typeof eval(name)));
}
