// What a script reads as the `stack` of an error: name and message, then the frames. Columns, which count differently in
// engines, are left out, and so are frames of class constructors.
// @functions console.log
import { boom, Mine } from './lib/throws.js';

function show(label, stack) {
  const text = `${stack}`.replace(/file:\S*\/(\S+?):(\d+):\d+(\(\d+\))?/g, '$1:$2').replace(/\n\tat (Mine \()?throws.js:4\)?/, '');
  console.log(label, JSON.stringify(text));
}
function caught(label, f) {
  try {
    f();
  } catch (e) {
    show(label, e.stack);
  }
}
function inner() {
  throw new Error('hello');
}

export default async function () {
  caught('plain', inner);
  caught('no message', () => { throw new RangeError(); });
  caught('no name', () => { const e = new Error('m'); e.name = ''; throw e; });
  caught('changed before it is read', () => { const e = new Error('m'); e.message = 'two\nlines'; e.name = 'N'; throw e; });
  caught('toString does not count', () => { const e = new Error('m'); e.toString = () => 'other'; throw e; });
  caught('subclass', () => { throw new Mine('mine'); });
  caught('in a module', () => boom('module'));
  caught('of the engine', () => undefined.foo);
  caught('through a built-in', () => [1].forEach(() => { throw new Error('each'); }));
  caught('made earlier', (() => { const e = inner2(); return () => { throw e; }; })());
  caught('old style', () => { throw new Old('old'); });
  caught('no error', () => { throw { stack: 'mine' }; });
  const e = new Error('one');
  show('first', e.stack);
  e.message = 'two';
  show('as it was first read', e.stack);
  e.stack = 'mine';
  show('replaced', [e.stack, Object.keys(e), JSON.stringify(e), `${e}`]);
  show('frozen', Object.freeze(new Error('cold')).stack);
  show('of a prototype', Object.assign(Object.create(new Error('in')), { message: 'out' }).stack);
  try { await Promise.reject(new Mine('async')); } catch (x) { show('rejected', x.stack); }
  try { await (async () => boom('async'))(); } catch (x) { show('async', x.stack); }
  await new Promise((done) => setTimeout(() => { caught('timer', inner); done(); }, 1));
}
function inner2() {
  return new Error('made');
}
function Old(message) {
  this.message = message;
  this.stack = new Error().stack;
}
Old.prototype = Object.create(Error.prototype);
