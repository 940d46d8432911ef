// open: text and bytes, relative to the script, only in init.
// @functions open
import { attempt, show } from './lib/show.js';

const text = open('./data/lines.txt');
const same = open('data/lines.txt');
const bytes = open('./data/bytes.bin', 'b');
const resolved = open(import.meta.resolve('./data/lines.txt'));
// In the first virtual user: how often else the script is evaluated is the engine's business.
if (__VU === 1) {
  attempt('missing', () => open('./data/none.txt'));
  attempt('directory', () => open('./data'));
  attempt('empty', () => open(''));
}

export default function () {
  show('text', text);
  show('same', [text === same, text === resolved]);
  show('bytes', [bytes instanceof ArrayBuffer, Array.from(new Uint8Array(bytes))]);
  attempt('in an iteration', () => open('./data/lines.txt'));
}
