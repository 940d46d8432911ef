// Digests, HMACs and random bytes.
// @functions k6/crypto.md4 k6/crypto.md5 k6/crypto.sha1 k6/crypto.sha256 k6/crypto.sha384 k6/crypto.sha512
// @functions k6/crypto.sha512_224 k6/crypto.sha512_256 k6/crypto.ripemd160 k6/crypto.hmac k6/crypto.createHash
// @functions k6/crypto.createHMAC k6/crypto.randomBytes k6/crypto.hexEncode
import crypto from 'k6/crypto';
import { attempt, show } from './lib/show.js';

const ALGORITHMS = ['md4', 'md5', 'sha1', 'sha256', 'sha384', 'sha512', 'sha512_224', 'sha512_256', 'ripemd160'];

export default function () {
  const text = 'The quick brown fox é';
  const bytes = new Uint8Array([1, 2, 3, 255]).buffer;
  for (const algorithm of ALGORITHMS) {
    show(algorithm, crypto[algorithm](text, 'hex'));
    show(`${algorithm} of bytes`, crypto[algorithm](bytes, 'base64'));
    show(`hmac ${algorithm}`, crypto.hmac(algorithm, 'key', text, 'hex'));
    const hash = crypto.createHash(algorithm);
    hash.update('The quick ');
    hash.update('brown fox é');
    show(`in parts`, hash.digest('hex') === crypto[algorithm](text, 'hex'));
  }
  for (const out of ['hex', 'base64', 'base64url', 'base64rawurl']) show(out, crypto.sha256(text, out));
  show('binary', Array.from(new Uint8Array(crypto.md5(text, 'binary'))));
  const hmac = crypto.createHMAC('sha256', 'key');
  hmac.update(text);
  show('hmac in parts', hmac.digest('hex') === crypto.hmac('sha256', 'key', text, 'hex'));
  show('digest twice', hmac.digest('hex') === hmac.digest('hex'));
  show('binary key', crypto.hmac('sha1', bytes, text, 'hex'));
  const random = crypto.randomBytes(16);
  show('random', [random instanceof ArrayBuffer, random.byteLength]);
  show('never the same', crypto.hexEncode(random) === crypto.hexEncode(crypto.randomBytes(16)));
  show('hex', crypto.hexEncode(bytes));
  attempt('unknown output', () => crypto.md5(text, 'own'));
}
