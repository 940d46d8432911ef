// Base64 in its four alphabets, of text and bytes.
// @functions k6/encoding.b64encode k6/encoding.b64decode
import encoding, { b64decode, b64encode } from 'k6/encoding';
import { attempt, show } from './lib/show.js';

export default function () {
  const bytes = new Uint8Array([0, 251, 255, 254, 62, 63]);
  for (const kind of ['std', 'rawstd', 'url', 'rawurl', undefined]) {
    show(`text ${kind}`, b64encode('hällo wörld?', kind));
    show(`bytes ${kind}`, b64encode(bytes.buffer, kind));
    show(`back ${kind}`, b64decode(b64encode('hällo wörld?', kind), kind, 's'));
    show(`back bytes ${kind}`, Array.from(new Uint8Array(b64decode(b64encode(bytes.buffer, kind), kind))));
  }
  attempt('typed array', () => b64encode(bytes));
  show('empty', [b64encode(''), b64decode('', 'std', 's')]);
  attempt('not base64', () => b64decode('%%%', 'std', 's'));
  attempt('wrong alphabet', () => b64decode('-_-_', 'std', 's'));
  attempt('missing padding', () => b64decode('YQ', 'std', 's'));
  attempt('unknown alphabet', () => b64encode('a', 'own'));
  show('default export', Object.keys(encoding).sort());
}
