// What each kind of body becomes on the wire.
// @functions k6/http.post k6/http.put
import http from 'k6/http';
import { seen, show } from './lib/show.js';

export default function () {
  const url = `${__ENV.HTTP}/anything`;
  const post = (label, body, params) =>
    show(label, seen(http.post(url, body, params), 'body', 'form', 'content-type', 'content-length'));
  post('string', 'text é');
  show('empty string', seen(http.post(url, ''), 'body', 'form'));
  post('null', null);
  post('undefined');
  post('form', { b: 2, a: 'x y', c: true, d: 1.5 });
  post('form with a list', { k: ['1', 2, 'three'], z: '&=?' });
  post('form with its own type', { a: 1 }, { headers: { 'Content-Type': 'text/plain' } });
  post('json text', JSON.stringify({ a: [1, 2] }), { headers: { 'Content-Type': 'application/json' } });
  post('array buffer', new Uint8Array([104, 105]).buffer);
  post('typed array', new Uint8Array([0, 255, 254]));
  show('empty form', seen(http.post(url, {}), 'body', 'form', 'content-type'));
  show('put without a body', seen(http.put(url), 'body', 'content-length'));
  show('request.body', http.post(url, { b: 1, a: 2 }).request.body);
}
