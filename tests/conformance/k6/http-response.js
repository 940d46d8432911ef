// The shape of a response: keys, headers, timings, the request it answers.
// @functions Response.timings k6/http.get
// @options userAgent
import http from 'k6/http';
import { show } from './lib/show.js';

export const options = { userAgent: 'conformance' };

export default function () {
  const r = http.get(`${__ENV.HTTP}/response-headers?x-one=1&x-two=a&x-two=b&ETag=%22e%22&content-type=text/html`);
  show('keys', Object.keys(r).filter((key) => typeof r[key] !== 'function'));
  show('headers', Object.fromEntries(Object.entries(r.headers).sort()));
  show('basics', [r.status, r.status_text, r.proto, r.url, r.remote_ip, typeof r.remote_port, r.body, r.error, r.error_code]);
  show('tls', [r.tls_version, r.tls_cipher_suite]);
  show('ocsp', Object.keys(r.ocsp));
  show('request', [r.request.method, r.request.url, r.request.body, r.request.headers, r.request.cookies]);
  const t = r.timings;
  show('timings', Object.keys(t));
  show('numbers', Object.values(t).every((n) => typeof n === 'number' && n >= 0));
  show('duration is the sum', Math.abs(t.duration - t.sending - t.waiting - t.receiving) < 0.001);
  show('looking_up', t.looking_up);
  const again = http.get(`${__ENV.HTTP}/delay/120`);
  show('reused connection', [again.timings.connecting, again.timings.tls_handshaking]);
  show('waited', again.timings.waiting >= 119 && again.timings.waiting < 1000);
  for (const code of [200, 201, 204, 304, 400, 404, 418, 500, 503]) {
    const s = http.get(`${__ENV.HTTP}/status/${code}`);
    show(`status ${code}`, [s.status, s.status_text, s.error, s.error_code, s.body]);
  }
  show('as JSON', Object.keys(JSON.parse(JSON.stringify(r))).length > 10);
}
