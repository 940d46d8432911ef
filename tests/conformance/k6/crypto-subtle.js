// crypto.subtle: digests, and HMAC keys that are made, imported, exported and used.
// @functions crypto.subtle.digest crypto.subtle.generateKey crypto.subtle.importKey crypto.subtle.exportKey crypto.subtle.sign crypto.subtle.verify
import { show } from './lib/show.js';

const hex = (buffer) => Array.from(new Uint8Array(buffer)).map((byte) => byte.toString(16).padStart(2, '0')).join('');
const bytes = (text) => new Uint8Array(Array.from(text).map((c) => c.charCodeAt(0)));
const hmac = (hash) => ({ name: 'HMAC', hash });

async function attempt(label, action) {
  try {
    show(label, await action());
  } catch (error) {
    console.log(`${label} rejects`);
  }
}

export default async function () {
  const subtle = crypto.subtle;
  for (const hash of ['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512', 'sha-256', { name: 'SHA-256' }]) {
    show(`digest ${JSON.stringify(hash)}`, hex(await subtle.digest(hash, bytes('abc'))));
  }
  show('digest of a buffer', hex(await subtle.digest('SHA-256', bytes('abc').buffer)));
  await attempt('digest of text', () => subtle.digest('SHA-256', 'abc'));
  await attempt('digest by MD5', () => subtle.digest('MD5', bytes('abc')));

  for (const hash of ['SHA-1', 'SHA-256', 'SHA-384', { name: 'SHA-512' }]) {
    const key = await subtle.importKey('raw', bytes('a key'), hmac(hash), true, ['sign', 'verify']);
    show('key', [key.type, key.extractable, key.usages, key.algorithm.name, key.algorithm.hash.name, key.algorithm.length]);
    const signature = await subtle.sign('HMAC', key, bytes('text'));
    show('signature', hex(signature));
    show('verified', [
      await subtle.verify({ name: 'HMAC' }, key, signature, bytes('text')),
      await subtle.verify('HMAC', key, signature, bytes('other')),
      await subtle.verify('HMAC', key, new Uint8Array(3), bytes('text')),
    ]);
    show('exported', hex(await subtle.exportKey('raw', key)));
    // k6 has no name for the HMAC of SHA-1 there.
    if (hash !== 'SHA-1') show('exported for the web', await subtle.exportKey('jwk', key));
  }
  const jwk = await subtle.importKey('jwk', { kty: 'oct', k: 'a2V5', alg: 'HS256' }, hmac('SHA-256'), false, ['sign']);
  show('of a web key', hex(await subtle.sign('HMAC', jwk, bytes('text'))));
  await attempt('export of what is not extractable', () => subtle.exportKey('raw', jwk));
  await attempt('verify with a key for signing', () => subtle.verify('HMAC', jwk, new Uint8Array(32), bytes('text')));
  for (const length of [undefined, 256]) {
    const made = await subtle.generateKey({ ...hmac('SHA-256'), ...(length && { length }) }, true, ['sign', 'verify']);
    const signature = await subtle.sign('HMAC', made, bytes('text'));
    show('made', [(await subtle.exportKey('raw', made)).byteLength, made.algorithm.length, await subtle.verify('HMAC', made, signature, bytes('text'))]);
  }
  await attempt('no usages', () => subtle.importKey('raw', bytes('a key'), hmac('SHA-256'), true, []));
  await attempt('another usage', () => subtle.importKey('raw', bytes('a key'), hmac('SHA-256'), true, ['encrypt']));
  await attempt('no hash', () => subtle.importKey('raw', bytes('a key'), { name: 'HMAC' }, true, ['sign']));
  await attempt('no such format', () => subtle.importKey('zip', bytes('a key'), hmac('SHA-256'), true, ['sign']));
  await attempt('no such algorithm', () => subtle.importKey('raw', bytes('a key'), 'NONE', true, ['sign']));
}
