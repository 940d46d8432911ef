// What a script sees of servers that misbehave or are not there: the error codes.
// @functions k6/http.get
// @options noConnectionReuse
import http from 'k6/http';
import { attempt, show } from './lib/show.js';

export const options = { noConnectionReuse: true };

export default function () {
  const fails = (label, url, params) => {
    attempt(label, () => {
      const r = http.get(url, Object.assign({ timeout: '2s' }, params));
      return [r.status, r.error_code, r.error !== '', String(r.body || ''), Object.keys(r.headers).sort(), r.url, Object.values(r.timings).every((t) => t >= 0)];
    });
  };
  fails('refused', __ENV.REFUSED);
  fails('no such host', 'http://no-such-host.invalid/');
  fails('closed', `${__ENV.RAW}/close`);
  fails('garbage', `${__ENV.RAW}/garbage`);
  fails('half a head', `${__ENV.RAW}/half-a-head`);
  fails('short body', `${__ENV.RAW}/short-body`);
  fails('bad chunk', `${__ENV.RAW}/bad-chunk`);
  fails('cut chunk', `${__ENV.RAW}/cut-chunk`);
  fails('reset', `${__ENV.RAW}/reset`);
  fails('timeout', `${__ENV.RAW}/hang`, { timeout: '200ms' });
  fails('TLS to a plain server', __ENV.HTTP.replace('http:', 'https:'));
  fails('plain to a TLS server', __ENV.HTTPS1.replace('https:', 'http:'));
  fails('invalid URL', 'http://exa mple/');
  fails('unknown scheme', 'gopher://127.0.0.1/');
  fails('404', `${__ENV.HTTP}/status/404`);
  fails('500', `${__ENV.HTTP}/status/500`);
  const fine = http.get(`${__ENV.RAW}/until-close`);
  show('HTTP/1.0 until the end', [fine.status, fine.proto, fine.body]);
  const hinted = http.get(`${__ENV.RAW}/early-hints`);
  show('after early hints', [hinted.status, hinted.body]);
}
