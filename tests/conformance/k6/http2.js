// HTTP/2: what arrives, that requests share a connection, redirects, large bodies, status text.
// @functions k6/http.batch k6/http.post
import http from 'k6/http';
import { seen, show } from './lib/show.js';

export default function () {
  const r = http.post(`${__ENV.HTTPS}/anything/x?y=1`, 'body', { headers: { 'X-Own': 'v', Connection: 'keep-alive' } });
  show('response', [r.status, r.status_text, r.proto]);
  show('seen', seen(r, 'proto', 'method', 'path', 'query', 'body', 'x-own', 'connection-none'));
  const connections = http.batch([1, 2, 3].map((n) => `${__ENV.HTTPS}/anything/${n}`)).map((b) => b.json('connection'));
  show('one connection', new Set(connections).size);
  show('redirect', [http.get(`${__ENV.HTTPS}/redirect/2`).url, http.get(`${__ENV.HTTPS}/redirect/2`).body]);
  show('large', http.get(`${__ENV.HTTPS}/bytes/300000`, { responseType: 'binary' }).body.byteLength);
  const sent = 'x'.repeat(200000);
  show('large sent', http.post(`${__ENV.HTTPS}/anything`, sent).json('body') === sent);
  show('headers', Object.keys(http.get(`${__ENV.HTTPS}/response-headers?x-lower=1`).headers).includes('X-Lower'));
  show('404', http.get(`${__ENV.HTTPS}/status/404`).status_text);
}
